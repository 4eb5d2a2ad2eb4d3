"""What the extra ``testing`` brings, which a deployment does not have."""

import importlib.util

from django.core.exceptions import ImproperlyConfigured


def require_websockets() -> None:
    """Raise ImproperlyConfigured where the extra is not installed."""
    if importlib.util.find_spec("websockets") is None:
        raise ImproperlyConfigured(
            "The clients of channels_live.testing need websockets: pip install channels-live[testing]"
        )

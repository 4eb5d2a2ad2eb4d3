"""Which app's management command of a name is run: that of the first app in INSTALLED_APPS."""

from django.apps import apps
from django.core import checks


def order_check(app_configs: object, **_: object) -> list[checks.CheckMessage]:
    """Warn where ``runworker`` is Channels' own, since its app comes first."""
    names = [config.name for config in apps.get_app_configs()]
    if "channels" not in names or names.index("channels_live") < names.index("channels"):
        return []
    hint = 'Let "channels_live" stand before "channels" in INSTALLED_APPS.'
    sentence = "manage.py runworker does not refuse a channel layer that gives each job to all workers."
    return [checks.Warning(sentence, hint, id="channels_live.W001")]

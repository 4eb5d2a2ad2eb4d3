import os
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ws.settings")
django.setup()

# Models can be imported only after setup.
from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402
from django.conf import settings  # noqa: E402
from django.urls import re_path  # noqa: E402

from accounts import revocations as table  # noqa: E402
from accounts.guests import identity_of  # noqa: E402
from base.project_apps import modules  # noqa: E402
from channels_live.conf import live_settings  # noqa: E402
from channels_live.middleware.authentication import authenticated  # noqa: E402
from channels_live.middleware.origins import OriginCheck  # noqa: E402
from channels_live.observability import endpoints as health  # noqa: E402
from channels_live.revocation.watcher import revocations  # noqa: E402
from channels_live.server.capacity import ProcessLimit, UserLimit  # noqa: E402
from channels_live.server.refusals import NOT_FOUND, accept_and_close, log_refusal  # noqa: E402


async def not_found(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """There is nothing at this address."""
    log_refusal(scope, "not_found")
    await accept_and_close(scope, send, NOT_FOUND)


revocations().table = table
application = ProtocolTypeRouter(
    {
        "http": health.application,
        "websocket": OriginCheck(
            ProcessLimit(
                authenticated(
                    UserLimit(
                        URLRouter(
                            [
                                *(route for _, module in modules("routing") for route in module.websocket_urlpatterns),
                                re_path("", not_found),  # type: ignore[arg-type]  # the stubs know views only
                            ]
                        ),
                        identity_of,
                    )
                )
            ),
            settings.ALLOWED_HOSTS,
            live_settings.ALLOWED_ORIGINS,
        ),
    }
)

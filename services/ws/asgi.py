import os
from functools import partial

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ws.settings")
django.setup()

# Models can be imported only after setup.
from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402
from django.urls import re_path  # noqa: E402

from accounts.guests import identity_of  # noqa: E402
from base.project_apps import routes  # noqa: E402
from channels_live.middleware import UserLimit, http_middleware, not_found, websocket_middleware  # noqa: E402

user_limit = partial(UserLimit, user_of=identity_of)
# Routes of an app that brings middleware of its own stand first; all others share the template's.
sockets = URLRouter([*routes("websocket_urlpatterns"), re_path("", not_found)])  # type: ignore[arg-type]  # views only
websocket = URLRouter(
    [
        *routes("websocket_urlpatterns_without_middleware"),
        re_path("", websocket_middleware(sockets, user_limit=user_limit)),
    ]
)
# Event streams and other HTTP consumers, below /sse/. The server itself answers health checks and metrics.
streams = URLRouter([*routes("http_urlpatterns"), re_path("", not_found)])  # type: ignore[arg-type]  # views only
http = URLRouter(
    [
        *routes("http_urlpatterns_without_middleware"),
        # Only looks ahead, so that the routes of apps begin with sse/ too.
        re_path("^(?=sse/)", http_middleware(streams, user_limit=user_limit)),
        re_path("", not_found),  # type: ignore[arg-type]
    ]
)
application = ProtocolTypeRouter({"websocket": websocket, "http": http})

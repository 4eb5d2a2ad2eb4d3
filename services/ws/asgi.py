import os
from functools import partial

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ws.settings")
django.setup()

# Models can be imported only after setup.
from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402
from django.urls import re_path  # noqa: E402

from accounts.guests import identity_of  # noqa: E402
from base.project_apps import modules  # noqa: E402
from channels_live.middleware import UserLimit, not_found, websocket_middleware  # noqa: E402

routes = [route for _, module in modules("routing") for route in module.websocket_urlpatterns]
routes.append(re_path("", not_found))  # type: ignore[arg-type]  # the stubs accept views only
# The server itself answers HTTP requests: health checks and metrics, and 404 for others.
application = ProtocolTypeRouter(
    {"websocket": websocket_middleware(URLRouter(routes), user_limit=partial(UserLimit, user_of=identity_of))}
)

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mysite.settings")
django_application = get_asgi_application()

# Models can be imported only now.
from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402

from channels_live.middleware import websocket_middleware  # noqa: E402
from feed.routing import websocket_urlpatterns  # noqa: E402

application = ProtocolTypeRouter(
    {"http": django_application, "websocket": websocket_middleware(URLRouter(websocket_urlpatterns))}
)

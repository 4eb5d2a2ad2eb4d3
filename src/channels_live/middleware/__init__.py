"""ASGI middleware for WebSockets and HTTP consumers: origins, limits of sockets, and authentication.

``websocket_middleware`` composes all of them. The whole asgi.py of a project::

    import os

    from django.core.asgi import get_asgi_application

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mysite.settings")
    # Before anything that imports models, as in Channels' documentation.
    django_application = get_asgi_application()

    from channels.routing import ProtocolTypeRouter, URLRouter
    from channels_live.middleware import websocket_middleware
    from mysite.routing import websocket_urlpatterns

    application = ProtocolTypeRouter(
        {"http": django_application, "websocket": websocket_middleware(URLRouter(websocket_urlpatterns))}
    )
"""

from channels_live.middleware.authentication import AuthenticationMiddleware
from channels_live.middleware.capacity import ProcessLimit, UserLimit
from channels_live.middleware.credentials import CredentialBackend, Identity, presents_credential
from channels_live.middleware.not_found import not_found
from channels_live.middleware.origins import OriginValidator
from channels_live.middleware.stack import http_middleware, websocket_middleware
from channels_live.observability.request_id import header

__all__ = [
    "AuthenticationMiddleware",
    "CredentialBackend",
    "Identity",
    "OriginValidator",
    "ProcessLimit",
    "UserLimit",
    "header",
    "http_middleware",
    "not_found",
    "presents_credential",
    "websocket_middleware",
]

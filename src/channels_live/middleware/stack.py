"""All middleware of a WebSocket, or of HTTP consumers, in the order that the template uses."""

from collections.abc import Callable
from typing import Any

from channels_live.middleware.authentication import AuthenticationMiddleware
from channels_live.middleware.capacity import ProcessLimit, UserLimit
from channels_live.middleware.origins import OriginValidator

# Takes an ASGI application and returns one.
Middleware = Callable[[Any], Any]


def websocket_middleware(
    application: Any,
    *,
    origins: Middleware | None = OriginValidator,
    process_limit: Middleware | None = ProcessLimit,
    authentication: Middleware | None = AuthenticationMiddleware,
    user_limit: Middleware | None = UserLimit,
) -> Any:
    """Return an ASGI application for WebSockets, such as a URLRouter, with the package's middleware around it.

    A handshake passes ``origins`` first and ``user_limit`` last. Each takes an application and returns one:
    ``functools.partial(UserLimit, user_of=…)`` configures one, a class of your own replaces it, and None leaves it out.
    For another order, or other middleware for a route, compose the classes yourself: they do not need each other,
    except that ``user_limit`` by default counts the user that ``authentication`` has set.
    """
    return _compose(application, user_limit, authentication, process_limit, origins)


def http_middleware(
    application: Any,
    *,
    origins: Middleware | None = OriginValidator,
    process_limit: Middleware | None = ProcessLimit,
    authentication: Middleware | None = AuthenticationMiddleware,
    user_limit: Middleware | None = UserLimit,
) -> Any:
    """Return an ASGI application for HTTP consumers, such as event streams: as websocket_middleware does.

    Requests are refused with 401, 403, 404 or 503. Not for Django's own views, which have Django's middleware.
    """
    return _compose(application, user_limit, authentication, process_limit, origins)


def _compose(application: Any, *stack: Middleware | None) -> Any:
    for middleware in stack:
        if middleware is not None:
            application = middleware(application)
    return application

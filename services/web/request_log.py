import time
from collections.abc import Callable

import structlog
from django.http import HttpRequest, HttpResponse
from structlog.contextvars import bound_contextvars

from base.request_id import accepted_request_id
from web import metrics

logger = structlog.get_logger("web.access")


class RequestLogMiddleware:
    """Puts the request id into every line of a request, writes its access line, and counts it.

    The line has the route instead of the path: nginx logs the path under the same request id.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with bound_contextvars(request_id=accepted_request_id(request.headers.get("X-Request-ID"))):
            begun = time.monotonic()
            with metrics.IN_PROGRESS.track_inprogress():
                response = self.get_response(request)
            seconds = time.monotonic() - begun
            route = metrics.route_of(request, response.status_code)
            metrics.count(request.method, route, response.status_code, seconds)
            logger.info(
                "request",
                method=request.method,
                route=route,
                status=response.status_code,
                duration_ms=round(seconds * 1000, 1),
            )
            return response

import time
from collections.abc import Callable

import structlog
from django.http import HttpRequest, HttpResponse
from structlog.contextvars import bound_contextvars

from channels_live.observability import accepted_request_id, tracing
from web import metrics

logger = structlog.get_logger("web.access")


class RequestLogMiddleware:
    """Adds the request id to every log line of a request, writes its access line, and counts it.

    The line has the route instead of the path: nginx logs the path under the same request id.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request_id = accepted_request_id(request.headers.get("X-Request-ID"))
        parent = {"traceparent": request.headers.get("Traceparent", "")}
        with bound_contextvars(request_id=request_id), tracing.span("request", parent) as span:
            begun = time.monotonic()
            with metrics.IN_PROGRESS.track_inprogress():
                response = self.get_response(request)
            seconds = time.monotonic() - begun
            route = metrics.route_of(request, response.status_code)
            metrics.count(request.method, route, response.status_code, seconds)
            if span:
                span.update_name(f"{request.method} {route}")
                span.set_attributes(
                    {
                        "http.request.method": str(request.method),
                        "http.route": route,
                        "http.response.status_code": response.status_code,
                        "request_id": request_id,
                    }
                )
            logger.info(
                "request",
                method=request.method,
                route=route,
                status=response.status_code,
                duration_ms=round(seconds * 1000, 1),
            )
            return response

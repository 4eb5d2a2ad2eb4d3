from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, JsonResponse

from base.health import readiness


class HealthMiddleware:
    """Answers ``/livez`` and ``/readyz`` before anything looks at the Host header: probes send an address there."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path == "/livez":
            return JsonResponse({"status": "ok"})
        if request.path == "/readyz":
            ready, parts = readiness()
            return JsonResponse({"status": "ok" if ready else "unavailable"} | parts, status=200 if ready else 503)
        return self.get_response(request)

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
            # Pages and API work without Redis; what they publish is then found by polling.
            status, body = readiness(serves_without=["redis"])
            return JsonResponse(body, status=status)
        return self.get_response(request)

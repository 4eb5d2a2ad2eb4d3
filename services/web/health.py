from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, JsonResponse
from prometheus_client import CONTENT_TYPE_LATEST

from channels_live.observability import check_readiness
from web import metrics


class HealthMiddleware:
    """Answers ``/livez``, ``/readyz`` and ``/metrics`` before the Host header is validated.

    Probes and Prometheus send an IP address as Host. Their requests are neither logged nor counted.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path_info == "/livez":
            return JsonResponse({"status": "ok"})
        if request.path_info == "/readyz":
            # Pages and API work without Redis; ws finds what they append by polling.
            status, body = check_readiness(serves_without=["redis"])
            return JsonResponse(body, status=status)
        if request.path_info == "/metrics":
            return HttpResponse(metrics.exposition(), content_type=CONTENT_TYPE_LATEST)
        return self.get_response(request)

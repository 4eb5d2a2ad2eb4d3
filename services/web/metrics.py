"""Metrics of web, summed over all Gunicorn workers.

The workers share a folder, PROMETHEUS_MULTIPROC_DIR, which gunicorn.conf.py creates
(https://prometheus.github.io/client_python/multiprocess/). Without it, as in tests, there is one process.
"""

import os

from django.conf import settings
from django.http import HttpRequest
from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

REQUESTS = Counter("http_requests", "HTTP requests answered.", ["method", "route", "status"])
DURATION = Histogram(
    "http_request_duration_seconds",
    "Time from receiving an HTTP request until its response is ready.",
    ["method", "route"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
IN_PROGRESS = Gauge(
    "http_requests_in_progress", "HTTP requests that a thread is handling.", multiprocess_mode="livesum"
)


def exposition() -> bytes:
    """Return all metrics in Prometheus' text format."""
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return generate_latest(REGISTRY)
    registry = CollectorRegistry()
    MultiProcessCollector(registry)
    return generate_latest(registry)


def route_of(request: HttpRequest, status: int) -> str:
    """Return the pattern that matched, ``static`` for a static file, ``unmatched`` for anything else.

    Never the path itself: a client could create a new label with each request.
    """
    if request.resolver_match:
        return f"/{request.resolver_match.route}"
    if status < 400 and request.path.startswith(settings.STATIC_URL):
        return "static"
    return "unmatched"


def count(method: str | None, route: str, status: int, seconds: float) -> None:
    """Count an answered request."""
    method = method if method in METHODS else "other"
    REQUESTS.labels(method, route, status).inc()
    DURATION.labels(method, route).observe(seconds)

"""Traces by OpenTelemetry, where ``OTEL_EXPORTER_OTLP_ENDPOINT`` is set.

Where it is not, nothing is imported, and the functions here do nothing. The SDK reads the other variables
(https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/). Spans hold names and numbers,
never what people write: no paths, query strings, headers or exceptions.

A message is followed through all processes by passing on the carrier, the W3C trace context of its sender::

    with tracing.span("receive"):                   # ws: a frame came from a client
        event["trace"] = tracing.carrier()          # goes with the event through the channel layer
    with tracing.span("deliver", event["trace"]):   # in every process that gives it to its members
"""

import importlib.util
import os
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from django.core.exceptions import ImproperlyConfigured

Carrier = Mapping[str, str]

_tracer: Any = None
_nothing: AbstractContextManager[None] = nullcontext()


def check(endpoint: str) -> None:
    """Raise ImproperlyConfigured with one sentence where traces are wanted and OpenTelemetry is not installed."""
    if endpoint and not importlib.util.find_spec("opentelemetry"):
        raise ImproperlyConfigured(
            "OTEL_EXPORTER_OTLP_ENDPOINT: OpenTelemetry is not installed; install channels-live[tracing], "
            "or build the template's images with TRACING=true."
        )


def start(endpoint: str, service: str) -> None:
    """Send this process' traces to an OTLP endpoint; without one do nothing. Call it after a fork, not before."""
    global _tracer
    if not endpoint:
        return
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    resource = Resource.create({"service.name": os.environ.get("OTEL_SERVICE_NAME", service)})
    provider = TracerProvider(resource=resource)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    _tracer = provider.get_tracer("channels_live")


def span(name: str, parent: Carrier | None = None) -> AbstractContextManager[Any]:
    """Return a context manager that is one step of the trace, and gives the span; None where traces are off.

    The step belongs to the one around it, or to the ``parent`` that another process has sent.
    """
    if _tracer is None:
        return _nothing
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    context = TraceContextTextMapPropagator().extract(parent) if parent else None
    began: AbstractContextManager[Any] = _tracer.start_as_current_span(name, context=context, record_exception=False)
    return began


def carrier() -> dict[str, str] | None:
    """Return the trace context of the current step, to send to another process; None where traces are off."""
    if _tracer is None:
        return None
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    found: dict[str, str] = {}
    TraceContextTextMapPropagator().inject(found)
    return found or None

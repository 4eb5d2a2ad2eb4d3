"""OpenTelemetry traces if ``OTEL_EXPORTER_OTLP_ENDPOINT`` is set; otherwise the SDK is not imported.

The functions then do nothing. The SDK reads the other variables itself
(https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/). Spans contain names and numbers
only: no paths, query strings, headers or exceptions.

The carrier, the W3C trace context of the sender, connects the spans of all processes that handle a message::

    with tracing.span("receive"):                   # ws received a frame from a client
        event["trace"] = tracing.carrier()          # is sent with the event through the channel layer
    with tracing.span("deliver", event["trace"]):   # in every process that delivers it to its members
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
    """Raise ImproperlyConfigured with one sentence if an endpoint is set and OpenTelemetry is not installed."""
    if endpoint and not importlib.util.find_spec("opentelemetry"):
        raise ImproperlyConfigured(
            "OTEL_EXPORTER_OTLP_ENDPOINT: OpenTelemetry is not installed; install channels-live[tracing], "
            "or build the template's images with TRACING=true."
        )


def start(endpoint: str, service: str) -> None:
    """Send the traces of this process to an OTLP endpoint; does nothing without one. Call it after a fork only."""
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
    """Return a context manager for one span, which it yields; it yields None if traces are off.

    Its parent is the current span, or the ``parent`` that another process has sent.
    """
    if _tracer is None:
        return _nothing
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    context = TraceContextTextMapPropagator().extract(parent) if parent else None
    began: AbstractContextManager[Any] = _tracer.start_as_current_span(name, context=context, record_exception=False)
    return began


def carrier() -> dict[str, str] | None:
    """Return the trace context of the current span, to send to another process; None if traces are off."""
    if _tracer is None:
        return None
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    found: dict[str, str] = {}
    TraceContextTextMapPropagator().inject(found)
    return found or None

import importlib.util

import pytest
from django.core.exceptions import ImproperlyConfigured

from channels_live.layers import Event
from channels_live.observability import tracing

ENDPOINT = "http://127.0.0.1:1"


@pytest.fixture
def traces(monkeypatch):
    """Switch traces on, with nobody who collects them."""
    monkeypatch.setattr(tracing, "_tracer", None)
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "always_off")
    tracing.start(ENDPOINT, "test")


def test_switched_off_it_does_nothing():
    with tracing.span("receive") as span:
        assert span is None
        assert tracing.carrier() is None
        assert "trace" not in Event({}, 1).to_message("lobby")


def test_the_trace_goes_with_the_event_into_another_process(traces):
    with tracing.span("receive") as sent:
        event = Event({}, 1).to_message("lobby")
    with tracing.span("deliver", event["trace"]) as delivered:
        assert delivered.get_span_context().trace_id == sent.get_span_context().trace_id
    with tracing.span("receive") as other:
        assert other.get_span_context().trace_id != sent.get_span_context().trace_id


def test_an_endpoint_without_the_packages_stops_the_start(monkeypatch):
    tracing.check(ENDPOINT)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    tracing.check("")
    with pytest.raises(ImproperlyConfigured, match=r"OTEL_EXPORTER_OTLP_ENDPOINT: .* TRACING=true"):
        tracing.check(ENDPOINT)

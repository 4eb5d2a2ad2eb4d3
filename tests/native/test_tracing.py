"""The spans that an OpenTelemetry collector receives; the collector is a server of the test's own."""

import gzip
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from queue import Queue

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.support.feed_sockets import next_text, open_feed, post
from tests.support.feed_stack import FeedStack
from tests.support.tokens import make_token

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = "b7ad6b7169203331"


class Collector(HTTPServer):
    """Receives spans as OTLP over HTTP."""

    def __init__(self) -> None:
        self.spans: Queue[Span] = Queue()
        self.services: set[str] = set()
        self.content = b""
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"

    def take(self, content: bytes) -> None:
        self.content += content
        for resource in ExportTraceServiceRequest.FromString(content).resource_spans:
            self.services |= {
                item.value.string_value for item in resource.resource.attributes if item.key == "service.name"
            }
            for scope in resource.scope_spans:
                for span in scope.spans:
                    self.spans.put(span)

    def wait_for(self, *names: str) -> dict[str, Span]:
        """Wait for spans of these names, and return them."""
        found: dict[str, Span] = {}
        while not found.keys() >= set(names):
            span = self.spans.get(timeout=20)
            found[span.name] = span
        return found


class Handler(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        content = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.take(gzip.decompress(content) if self.headers["Content-Encoding"] == "gzip" else content)
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def collector() -> Iterator[Collector]:
    server = Collector()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("trusted", [True, False], ids=["a proxy", "a stranger"])
def test_spans_of_a_post_over_http_have_the_trace_of_its_request(tmp_path, collector, trusted):
    environment = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "OTEL_BSP_SCHEDULE_DELAY": "100"}
    if trusted:
        environment["TRUSTED_PROXIES"] = "127.0.0.1"
    with FeedStack(tmp_path, ws_processes=1, environment=environment) as stack:
        token = make_token(stack)
        answer = httpx.post(
            f"{stack.url}/api/feeds/planted-feed/posts?token=planted-query",
            json={"text": "planted-text"},
            cookies={"sessionid": "planted-session"},
            headers={"Authorization": f"Bearer {token}", "Traceparent": f"00-{TRACE}-{PARENT}-01"},
        )
        assert answer.status_code == 201
        route = "POST /api/feeds/<slug:name>/posts"
        spans = collector.wait_for(route, "journal append", "publish")
    request = spans[route]
    assert collector.services == {"web"}
    assert (request.trace_id.hex() == TRACE) == trusted
    assert (request.parent_span_id.hex() == PARENT) == trusted
    for name in ("journal append", "publish"):
        assert spans[name].trace_id == request.trace_id
        assert spans[name].parent_span_id == request.span_id
    assert answer.headers["x-request-id"].encode() in collector.content
    assert b"planted" not in collector.content
    assert token.encode() not in collector.content


def test_spans_of_a_post_on_a_socket_reach_from_the_receive_to_the_delivery(tmp_path, collector):
    environment = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "OTEL_BSP_SCHEDULE_DELAY": "100"}
    with FeedStack(tmp_path, ws_processes=2, environment=environment) as stack:
        alice, bob = (open_feed(stack.process(name).url, "planted-feed") for name in ("ws-1", "ws-2"))
        with alice, bob:
            post(alice, "planted-text")
            assert next_text(bob) == "planted-text"
            spans = collector.wait_for("receive", "journal append", "publish", "deliver")
    assert collector.services == {"ws"}
    assert {span.trace_id for span in spans.values()} == {spans["receive"].trace_id}
    parents = {spans[name].parent_span_id: name for name in ("journal append", "publish", "deliver")}
    assert parents[spans["receive"].span_id] == "journal append"
    assert parents[spans["journal append"].span_id] == "publish"
    assert parents[spans["publish"].span_id] == "deliver"
    assert b"planted" not in collector.content

"""What is sent to Sentry, received by a server in the place of its ingest."""

import gzip
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from queue import Queue

import httpx
import pytest

from tests.support.feed_stack import FeedStack


class Ingest(HTTPServer):
    """Receives envelopes (https://develop.sentry.dev/sdk/foundations/envelopes/)."""

    def __init__(self) -> None:
        self.envelopes: Queue[str] = Queue()
        super().__init__(("127.0.0.1", 0), Handler)
        self.dsn = f"http://key@127.0.0.1:{self.server_port}/1"


class Handler(BaseHTTPRequestHandler):
    server: Ingest

    def do_POST(self) -> None:
        content = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers["Content-Encoding"] == "gzip":
            content = gzip.decompress(content)
        self.server.envelopes.put(content.decode())
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def ingest() -> Iterator[Ingest]:
    server = Ingest()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def test_error_arrives_with_its_traceback_and_request_id_and_nothing_of_the_request(tmp_path, ingest):
    with FeedStack(tmp_path, ws_processes=1, environment={"SENTRY_DSN": ingest.dsn}) as stack:
        (tmp_path / "db.sqlite3").write_bytes(b"no database " * 1000)
        for journal in tmp_path.glob("db.sqlite3-*"):
            journal.unlink()
        answer = httpx.post(
            f"{stack.url}/api/feeds/lobby/posts?token=planted-query",
            json={"text": "planted-text"},
            cookies={"sessionid": "plantedsession", "guest": "planted-guest"},
            headers={"Authorization": "Bearer planted-token", "User-Agent": "planted-agent"},
        )
        assert answer.status_code == 500
        envelope = ingest.envelopes.get(timeout=20)
    assert '"type":"event"' in envelope.replace(" ", "")
    assert "file is not a database" in envelope
    assert "guests.py" in envelope
    assert answer.headers["x-request-id"] in envelope
    assert "planted" not in envelope

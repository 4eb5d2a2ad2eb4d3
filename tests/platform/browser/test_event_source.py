"""A browser's EventSource that reads a feed through nginx, while the processes are restarted."""

import json
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page
from websockets.sync.client import connect

from deploy.local import Stack
from tests.support.feed_stack import FeedStack

READ = """
window.entries = [];
window.states = new Set();
window.source = new EventSource("/sse/feed/news/?after=0");
source.onmessage = ({ data }) => {
    const frame = JSON.parse(data);
    if (frame.type === "entry") entries.push(frame.seq);
};
source.onerror = () => states.add(source.readyState);
"""
# Not by wait_for_function, which the page's Content-Security-Policy forbids.
UNTIL = "count => new Promise((done) => setInterval(() => entries.length >= count && done(), 20))"


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with FeedStack(tmp_path_factory.mktemp("event_source"), {"DRAIN_SECONDS": "0.2"}, ws_processes=2) as stack:
        yield stack


def post(stack: Stack, name: str, entry_id: str) -> None:
    """Post by a process that runs."""
    url = stack.process(name).url
    address = f"{url.replace('http', 'ws', 1)}/ws/feed/news/"
    with connect(address, origin=url, subprotocols=["journal.v1"]) as socket:  # type: ignore[arg-type, list-item]
        socket.send(json.dumps({"type": "entry", "id": entry_id, "text": "text"}))
        while json.loads(socket.recv(10))["type"] != "ack":
            pass


def test_an_event_source_resumes_after_each_restart_and_gets_each_entry_once(page: Page, stack: Stack) -> None:
    page.goto(f"{stack.url}/feed/news/")
    page.evaluate(READ)
    for number, (stopped, running) in enumerate((("ws-1", "ws-2"), ("ws-2", "ws-1")) * 2):
        post(stack, running, f"{number}-before")
        page.evaluate(UNTIL, 2 * number + 1)
        stack.process(stopped).stop()
        post(stack, running, f"{number}-while-away")
        stack.process(stopped).start()
        stack.process(stopped).wait_ready()
        page.evaluate(UNTIL, 2 * number + 2)
    assert page.evaluate("entries") == list(range(1, 9))
    # At least one response ended, and the browser connects again by itself: readyState is CONNECTING (0), not CLOSED.
    assert page.evaluate("[...states]") == [0]

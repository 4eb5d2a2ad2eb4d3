import json
import re
import time
from collections.abc import Callable
from typing import Any

from playwright.sync_api import Page, WebSocketRoute

Rewrite = Callable[[dict[str, Any]], list[dict[str, Any]]]


class Line:
    """A window's WebSockets to the real server, which a test can cut, tap and rewrite; make it before the page opens.

    ``to_server`` and ``to_page`` may be set to functions that take a frame and return those that go on instead.
    """

    def __init__(self, page: Page) -> None:
        self.to_server: Rewrite = lambda frame: [frame]
        self.to_page: Rewrite = lambda frame: [frame]
        self._page = page
        self._is_cut = False
        self._sockets: list[tuple[WebSocketRoute, WebSocketRoute]] = []
        # So that the window comes back soon.
        page.add_init_script("Math.random = () => 0.1")
        page.route_web_socket(re.compile("/ws/"), self._opened)

    def cut(self) -> None:
        """Break the connection, and every one that the window tries to open."""
        self._is_cut = True
        while self._sockets:
            for end in self._sockets.pop():
                end.close(code=1011)

    def mend(self) -> None:
        """Let the window's next attempt through."""
        self._is_cut = False

    def inject(self, **frame: Any) -> None:
        """Give the window a frame, as if the server had sent it."""
        self._sockets[-1][0].send(json.dumps(frame))

    def wait(self, condition: Callable[[], bool]) -> None:
        """Return when a condition on the frames holds."""
        deadline = time.monotonic() + 15
        while not condition():
            assert time.monotonic() < deadline
            # Playwright calls the handlers of frames while it waits for the page.
            self._page.evaluate("0")

    def _opened(self, socket: WebSocketRoute) -> None:
        if self._is_cut:
            socket.close(code=1011)
            return
        server = socket.connect_to_server()
        self._sockets.append((socket, server))
        socket.on_message(lambda frame: self._pass_on(frame, self.to_server, server))
        server.on_message(lambda frame: self._pass_on(frame, self.to_page, socket))

    def _pass_on(self, frame: str | bytes, rewrite: Rewrite, end: WebSocketRoute) -> None:
        for passed in rewrite(json.loads(frame)):
            end.send(json.dumps(passed))

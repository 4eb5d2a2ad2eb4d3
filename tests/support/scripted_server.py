"""The package's browser client in a page without a socket of its own, and a server that a test scripts."""

import json
import re
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import Page, WebSocketRoute

URL = "wss://live.test/ws/feed/lobby/"
START = """async ([statics, url, after, name, noStorage]) => {
  const { Outbox } = await import(`${statics}/channels_live/outbox.js`);
  window.events = [];
  window.counted = { opened: 0, closed: 0, sent: 0 };
  window.WebSocket = class extends WebSocket {
    constructor(...given) {
      super(...given);
      counted.opened += 1;
      this.addEventListener("close", () => { counted.closed += 1; });
    }
    send(frame) {
      super.send(frame);
      counted.sent += 1;
    }
  };
  const listen = (target, types) => types.forEach((type) => target.addEventListener(type, ({ detail }) =>
    events.push({ ...detail, type })));
  CONNECTION
  listen(connection, ["state", "entry", "message", "removed", "history", "presence", "typing", "reset"]);
  listen(connection, ["ack", "error"]);
  const storage = noStorage && { storage: null };
  window.outbox = new Outbox(connection, { name: `outbox/${name}`, ...outboxOptions, ...storage });
  listen(outbox, ["pending", "sent", "failed", "gone"]);
  connection.connect();
}"""


class Socket:
    """One WebSocket of the page. ``received`` are the frames that it sent."""

    def __init__(self, route: WebSocketRoute) -> None:
        self._route = route
        self.query = parse_qs(urlsplit(route.url).query)
        self.protocols = route.protocols
        self.received: list[dict[str, Any]] = []
        self.is_closed = False
        route.on_message(lambda frame: self.received.append(json.loads(frame)))
        route.on_close(self._closed)

    def send(self, **frame: Any) -> None:
        self._route.send(json.dumps(frame))

    def welcome(self, head: int = 0, resumed_from: int | None = None) -> "Socket":
        self.send(type="welcome", stream="lobby", head=head, resumed_from=resumed_from)
        return self

    def entry(self, seq: int, entry_id: str | None = None) -> None:
        frame = {"seq": seq, "id": entry_id or f"m{seq}", "text": f"text {seq}"}
        self.send(type="entry", **frame, sent_at="2026-11-23T10:00:00.000Z")

    def close(self, code: int = 1011) -> None:
        self.is_closed = True
        self._route.close(code=code)

    def _closed(self, code: int | None, reason: str | None) -> None:
        self.is_closed = True
        self._route.close(code=code, reason=reason)


class Window:
    """A window with the modules. Its clock stands still: only ``pass_time`` lets timers run.

    Random numbers are 1, so every delay is the longest it may be. A subclass may have another connection: statements
    that set ``connection`` and ``outboxOptions``.
    """

    connection = """
      const { ResumableConnection } = await import(`${statics}/channels_live/resumable_connection.js`);
      window.connection = new ResumableConnection(url, { protocols: "journal.v1", after });
      const outboxOptions = {};
    """

    def __init__(self, page: Page, clock_stands: bool = False) -> None:
        self.page = page
        self.sockets: list[Socket] = []
        page.add_init_script("Math.random = () => 1")
        if not clock_stands:
            page.clock.install(time=1000)
        page.route_web_socket(re.compile(re.escape(URL)), lambda route: self.sockets.append(Socket(route)))
        page.goto("/accounts/login/")
        styles = page.locator("link[rel=stylesheet]").first.get_attribute("href") or ""
        self._statics = styles.partition("/web/")[0]
        if not clock_stands:
            page.clock.pause_at(10_000)

    def open_another(self) -> "Window":
        """Open another window of the same visitor, with the same storage and the same clock."""
        return type(self)(self.page.context.new_page(), clock_stands=True)

    def start(self, after: int | None = None, name: str = "lobby/alice", no_storage: bool = False) -> "Window":
        """Make a connection and an outbox, and connect."""
        script = START.replace("CONNECTION", self.connection)
        self.page.evaluate(script, [self._statics, URL, after, name, no_storage])
        return self

    def reload(self) -> "Window":
        self.page.reload()
        return self

    def run(self, script: str, *arguments: Any) -> Any:
        """Return what an expression of ``connection``, ``outbox`` and the array ``given`` has as its value."""
        return self.page.evaluate(f"given => {script}", list(arguments))

    def add(self, text: str) -> str:
        """Put an entry into the outbox, and return its id."""
        return str(self.run("outbox.add({ text: given[0] }).id", text))

    def socket(self, number: int = 1) -> Socket:
        """Wait for the n-th WebSocket that the window opened, and return it."""
        self.wait(lambda: len(self.sockets) >= number)
        return self.sockets[number - 1]

    def received(self, socket: Socket, count: int) -> list[dict[str, Any]]:
        """Wait until so many frames came through the socket, and return them all."""
        self.wait(lambda: len(socket.received) >= count)
        return socket.received

    def events(self, *types: str) -> list[dict[str, Any]]:
        """Return the events of these types so far."""
        return [event for event in self.run("events") if event["type"] in types]

    def wait_events(self, count: int, *types: str) -> list[dict[str, Any]]:
        """Wait until there were so many events of these types, and return them all."""
        self.wait(lambda: len(self.events(*types)) >= count)
        return self.events(*types)

    def pass_time(self, milliseconds: int) -> None:
        self.page.clock.run_for(milliseconds)

    def count(self, what: str) -> int:
        """Return how many sockets the page has ``opened`` or knows to be ``closed``, how many frames it has ``sent``.

        Counted in the page since ``start``, so nothing of it can still be on its way.
        """
        return int(self.run("counted[given[0]]", what))

    def expect_no_socket(self, number: int, within: int) -> None:
        """Let time pass, in which the window must not open its n-th WebSocket."""
        self.pass_time(within)
        assert self.count("opened") == number - 1

    def stored(self) -> list[str]:
        """Return the storage keys of all outboxes."""
        return list(self.run("Object.keys(localStorage).filter((key) => key.startsWith('outbox/'))"))

    def wait(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 15
        while not condition():
            assert time.monotonic() < deadline, f"events so far: {self.run('window.events')}"
            # Playwright calls the sockets' handlers while it waits for the page.
            self.page.evaluate("0")

"""Daphne, as this project runs it."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from daphne import cli, server, ws_protocol
from daphne.server import reactor
from twisted.internet.endpoints import serverFromString
from twisted.internet.task import LoopingCall
from twisted.logger import (
    FilteringLogObserver,
    LogLevel,
    LogLevelFilterPredicate,
    STDLibLogObserver,
    globalLogPublisher,
)

from ws.keepalive import Keepalive
from ws.protocol import WebSocketProtocol


class Server(server.Server):
    """Listens for WebSockets first, and leaves Daphne's books for those that attach (see ws.protocol).

    ``member_buffer`` is the number of bytes that may wait for one client.
    """

    member_buffer = 512 * 1024

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options, ready_callable=self._listen)
        self.sockets = Keepalive(self.ping_interval, self.ping_timeout)
        self.tasks: set[asyncio.Task[None]] = set()

    def run(self) -> None:
        # Without endpoints Daphne makes its factories and does not listen; _listen does.
        self._addresses, self.endpoints = self.endpoints, []
        super().run()

    def _listen(self) -> None:
        # Daphne sends Twisted's log nowhere; an exception in a protocol is in it.
        errors = LogLevelFilterPredicate(defaultLogLevel=LogLevel.error)
        globalLogPublisher.addObserver(FilteringLogObserver(STDLibLogObserver("twisted"), [errors]))
        # With failByDrop, autobahn's default, the client of a frame over the limit sees 1006, not 1009.
        # A null origin is left to the origin check, which answers 403 as it does for any other.
        self.ws_factory.setProtocolOptions(failByDrop=False, allowNullOrigin=True, closeHandshakeTimeout=5)
        options = {name: getattr(self.ws_factory, name) for name in ws_protocol.WebSocketProtocol.CONFIG_ATTRS}
        options["perMessageCompressionAccept"] = staticmethod(options["perMessageCompressionAccept"])
        self.ws_factory.protocol = type("WebSocketProtocol", (WebSocketProtocol,), options | {"server": self, "factory": self.ws_factory})
        self.http_factory.doStart()
        for address in self._addresses:
            listener = serverFromString(reactor, address).listen(self.ws_factory)
            listener.addCallback(self.listen_success)
            listener.addErrback(self.listen_error)
            self.listeners.append(listener)
        LoopingCall(self.sockets.tick).start(1, now=False)

    def adopt(self, protocol: WebSocketProtocol) -> None:
        """Take a socket that attached out of the books that Daphne goes through every second."""
        if self.connections.pop(protocol, {}).get("disconnected") is None:
            self.sockets.add(protocol)

    def start(self, coroutine: Coroutine[Any, Any, None]) -> None:
        """Run what a socket has to do, in the background."""
        task = asyncio.get_running_loop().create_task(coroutine)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    def create_application(self, protocol: Any, scope: dict[str, Any]) -> Any:
        if scope["type"] == "websocket":
            scope["ws.socket"] = protocol
        return super().create_application(protocol, scope)

    def protocol_disconnected(self, protocol: Any) -> None:
        self.sockets.discard(protocol)
        if protocol in self.connections:
            super().protocol_disconnected(protocol)


class CommandLineInterface(cli.CommandLineInterface):
    server_class = Server

"""Daphne's server with limits, its own list of open sockets, and a graceful shutdown."""

import asyncio
import contextvars
import gc
import logging
import os
import signal
import socket
import sys
import threading
import time
from typing import Any

from channels.routing import ProtocolTypeRouter
from daphne import server, ws_protocol
from daphne.server import reactor, twisted_loop
from twisted.internet.defer import maybeDeferred
from twisted.internet.endpoints import serverFromString
from twisted.internet.task import LoopingCall
from twisted.logger import LogEvent, LogLevel, STDLibLogObserver, globalLogPublisher

from channels_live.blocked_threads import is_thread_blocked
from channels_live.close_codes import CloseCode
from channels_live.observability import endpoints, event_loop_lag, metrics
from channels_live.observability.request_id import request_id_of
from channels_live.rate_limit import Limit
from channels_live.revocation import get_revocations
from channels_live.server import resolver
from channels_live.server.capacity import Admission
from channels_live.server.drain import Drain
from channels_live.server.handshake_queue import HandshakeQueue
from channels_live.server.http_connection import HttpConnection
from channels_live.server.http_request import Request
from channels_live.server.options import ServerOptions
from channels_live.server.protocol import WebSocketProtocol
from channels_live.server.registry import Registry

logger = logging.getLogger(__name__)
_twisted_log = STDLibLogObserver("twisted")

SEND_BUFFER_BYTES = 128 * 1024
# Connections that wait to be accepted. With Twisted's 50, the kernel refuses those of a reconnect storm, and nginx
# answers 504 after its proxy_connect_timeout. The kernel's own limit is net.core.somaxconn.
BACKLOG = 4096
# Read of one client at a time, at most. Of frames without payload, Twisted's 64 KiB would hold the event loop for
# 100 ms and more.
READ_BYTES = 16 * 1024
# Each send lets the database thread run, if it has something to do, for so long at most. With Python's 5 ms, a commit
# that is under way can hold up a fan-out by 5 ms per member.
SWITCH_SECONDS = 0.0005
# After the drain: a thread that waits for a database which does not answer would keep the process for ever.
EXIT_SECONDS = 1.0


class Server(server.Server):
    """Listens for WebSockets first, keeps a list of its own of those that attach (see protocol.py), and drains.

    ``application`` is an ASGI application; ``options`` are by default those of Django's settings. ``daphne_options``
    are those of daphne.server.Server, of which some are replaced.
    """

    def __init__(self, application: Any, options: ServerOptions | None = None, **daphne_options: Any) -> None:
        options = self.options = options or ServerOptions.from_settings()
        max_bytes = options.max_frame_kib * 1024
        replaced = {
            # The proxy writes the access log; Daphne's would hold the probes, and cost a line per handshake.
            "action_logger": None,
            "ready_callable": self._begin,
            "signal_handlers": False,
        }
        limits = {
            "ping_interval": options.ping_interval,
            "ping_timeout": options.ping_timeout,
            "websocket_max_message_size": max_bytes,
            "websocket_max_frame_size": max_bytes,
            "websocket_handshake_timeout": options.handshake_timeout,
        }
        super().__init__(application, **{**limits, **daphne_options, **replaced})
        self._asgi_application: Any = self.application
        self.application: Any = self._call_application
        # Each application runs in a copy of this context. Handshakes begin in tasks of other connections (see
        # HandshakeQueue), whose context variables, such as the active language or trace, must not be inherited.
        self._context = contextvars.copy_context()
        self._serves_http = not _is_router_without_http(application)
        self.member_buffer = options.member_buffer_kib * 1024
        self.stall_seconds = options.stall_seconds
        # What nginx lets through, and what it adds.
        self.max_head_bytes = (4 * options.max_header_kib + 32) * 1024
        # Pings as often as messages.
        self.ping_limit = Limit(options.message_rate, options.message_burst)
        self.refusal_limit = Limit(options.max_refusals / 60, options.max_refusals)
        self.admission = Admission(options.max_sockets, options.max_sockets_per_user)
        self.handshakes = HandshakeQueue(options.max_handshakes)
        self.sockets = Registry(self.ping_interval, self.ping_timeout, options.max_connection_age)
        self.requests: set[Request] = set()
        # HTTP connections whose response is complete, but not written yet.
        self.flushing: set[HttpConnection] = set()
        # What the sockets' protocols run in the background; the drain waits for it.
        self.tasks: set[asyncio.Task[None]] = set()
        self.drain: Drain | None = None

    def run(self) -> None:
        # Without endpoints Daphne makes its factories and does not listen; _listen does.
        self._addresses: list[str] = self.endpoints
        self.endpoints: list[str] = []
        super().run()

    # --- Sockets

    def create_application(self, protocol: Any, scope: dict[str, Any]) -> Any:
        self._loop = asyncio.get_running_loop()
        scope["channels_live.socket"] = protocol
        if scope["type"] == "websocket":
            scope["extensions"] = {"websocket.http.response": {}}
            # Daphne decodes percent signs in them, and autobahn accepts only what was offered as it stands.
            if scope.get("subprotocols"):
                scope["subprotocols"] = list(protocol.websocket_protocols)
            protocol.request_id = request_id_of(scope)
            protocol.handshake_started_at = time.monotonic()
        else:
            scope["channels_live.is_draining"] = self.drain is not None
        return self._context.copy().run(super().create_application, protocol, scope)

    def next_request(self, transport: Any, data: bytes) -> None:
        """Wait for the next request of a persistent connection; see channels_live.server.http_connection."""
        if self.drain:
            transport.loseConnection()
            return
        protocol = self.ws_factory.buildProtocol(transport.getPeer())
        self._context.copy().run(protocol.reuse, transport, data)

    def _call_application(self, scope: dict[str, Any], receive: Any, send: Any) -> Any:
        if scope["type"] == "websocket":
            receive = scope["channels_live.socket"].receive
        elif scope["path"] in endpoints.PATHS or not self._serves_http:
            return endpoints.application(scope, receive, send)
        else:
            request: Request = scope["channels_live.socket"]
            return request.serve(self._asgi_application, scope, send)
        return self._asgi_application(scope, receive, send)

    async def handle_reply(self, protocol: Any, message: dict[str, Any]) -> None:
        """ASGI's ``send``. It returns when the client may be sent more, see writer.py and http_request.py.

        Where a thread waits for it, as for a synchronous consumer, it returns after a second at the latest.
        Raises ConnectionResetError where the response to an HTTP request has ended before it was finished.
        """
        if asyncio.get_running_loop() is not self._loop:
            # An application that sends from a thread with an event loop of its own.
            reply = asyncio.run_coroutine_threadsafe(self.handle_reply(protocol, message), self._loop)
            await asyncio.wrap_future(reply)
            return
        kind = message.get("type", "")
        if kind.startswith("http.") and protocol.is_cut:
            raise ConnectionResetError("The client has gone, or the server has ended the response.")
        await super().handle_reply(protocol, message)
        if kind == "http.response.body" or (kind == "websocket.send" and protocol.is_backed_up):
            await (protocol.sent_soon() if kind == "websocket.send" and is_thread_blocked() else protocol.sent())

    @property
    def is_full(self) -> bool:
        """Whether so many handshakes wait that with them the process has all the connections that it may have."""
        connections = len(self.admission) + self.handshakes.waiting
        return connections >= self.options.max_sockets + self.options.max_handshakes

    def register(self, protocol: WebSocketProtocol) -> None:
        """Add a socket whose handshake is done to the open ones."""
        self.sockets.add(protocol)
        if self.drain and self.drain.is_over:
            protocol.close(CloseCode.SERVICE_RESTART)
        get_revocations().opened(protocol, protocol.handshake_started_at)

    def open_request(self, request: Request) -> None:
        """Add an HTTP request that an application answers; see channels_live.server.http_request."""
        self.requests.add(request)
        self.sockets.add(request)
        if self.drain and self.drain.is_over:
            request.close(CloseCode.SERVICE_RESTART)

    def request_started(self, request: Request) -> None:
        """Notify a request that is about to be answered of what was revoked since it came."""
        if request.subjects:
            get_revocations().opened(request, request.handshake_started_at)

    def close_request(self, request: Request) -> None:
        """Remove an HTTP request whose response has ended."""
        self.requests.discard(request)
        self.sockets.discard(request)

    def detach(self, protocol: WebSocketProtocol) -> None:
        """Remove a socket with a handler from the list that Daphne goes through every second."""
        del self.connections[protocol]

    def protocol_disconnected(self, protocol: Any) -> None:
        self.sockets.discard(protocol)
        self.admission.leave(protocol)
        if protocol in self.connections:
            super().protocol_disconnected(protocol)

    # --- Begin and end

    def _begin(self) -> None:
        # Daphne sends Twisted's log nowhere; an exception in a protocol is in it.
        globalLogPublisher.addObserver(_log_errors)  # type: ignore[arg-type]  # any callable is one
        for number in (signal.SIGTERM, signal.SIGINT):
            twisted_loop.add_signal_handler(number, self._begin_drain)
        resolver.install(twisted_loop)
        metrics.SOCKETS.set_function(lambda: len(self.sockets) - len(self.requests))
        metrics.HTTP_OPEN.set_function(self.requests.__len__)
        metrics.HANDSHAKES_WAITING.set_function(lambda: self.handshakes.waiting)
        self._measuring = twisted_loop.create_task(event_loop_lag.measure())
        self._watching = twisted_loop.create_task(get_revocations().watch(self.sockets))
        self._listen()
        sys.setswitchinterval(SWITCH_SECONDS)
        # What is there by now stays: a full collection that walks all of it holds up the event loop for 60 ms and more.
        # No gc.collect() before: it would add a seventh to the startup time and find hardly any garbage.
        gc.freeze()
        gc.enable()
        LoopingCall(self._tick).start(1, now=False)

    def _tick(self) -> None:
        try:
            self.sockets.tick()
        except Exception:
            # An exception would end the LoopingCall.
            logger.exception("Sending pings failed, retrying in one second")

    def _listen(self) -> None:
        # With failByDrop, autobahn's default, the client of a frame over the limit sees 1006, not 1009.
        # A null origin is left to the origin check, which answers 403 as it does for any other.
        self.ws_factory.setProtocolOptions(failByDrop=False, allowNullOrigin=True, closeHandshakeTimeout=5)
        options = {name: getattr(self.ws_factory, name) for name in ws_protocol.WebSocketProtocol.CONFIG_ATTRS}
        options["perMessageCompressionAccept"] = staticmethod(options["perMessageCompressionAccept"])
        options |= {"server": self, "factory": self.ws_factory}
        self.ws_factory.protocol = type("WebSocketProtocol", (WebSocketProtocol,), options)
        self.http_factory.protocol = HttpConnection
        self.http_factory.doStart()
        for address in self._addresses:
            listener = serverFromString(reactor, f"{address}:backlog={BACKLOG}").listen(self.ws_factory)
            listener.addCallbacks(self._listens, self.listen_error)
            self.listeners.append(listener)

    def _listens(self, port: Any) -> Any:
        # Accepted sockets inherit it. The kernel would keep megabytes for each client that does not read.
        port.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        port.transport = type("Connection", (port.transport,), {"bufferSize": READ_BYTES})
        self.listen_success(port)
        return port

    def _begin_drain(self) -> None:
        if self.drain is None:
            self.drain = Drain(self.sockets, self._is_busy, self.options.drain_delay, self.options.drain_seconds)
            self._draining = twisted_loop.create_task(self._drain_and_stop())
        else:
            self.drain.expedite()

    async def _drain_and_stop(self) -> None:
        assert self.drain
        try:
            await self.drain.run(self._stop_listening)
        except Exception:
            logger.exception("The drain failed, remaining sockets are closed with 1006")
        finally:
            leave = threading.Timer(EXIT_SECONDS, os._exit, [0])
            leave.daemon = True
            leave.start()
            self.stop()

    def _is_busy(self) -> bool:
        # Handshakes, consumers that did not attach, members that still read their replay, and those of HTTP.
        applications = (
            details.get("application_instance")
            for protocol, details in self.connections.items()
            if isinstance(protocol, WebSocketProtocol) or protocol.task
        )
        return bool(
            self.sockets or self.tasks or self.flushing or any(task and not task.done() for task in applications)
        )

    async def _stop_listening(self) -> None:
        for listener in self.listeners:
            port = await listener.asFuture(twisted_loop)
            await maybeDeferred(port.stopListening).asFuture(twisted_loop)

    def kill_all_applications(self) -> None:
        # What is left are probes, and applications that have not ended.
        for details in self.connections.values():
            if task := details.get("application_instance"):
                task.cancel()


def _log_errors(event: LogEvent) -> None:
    if event["log_level"] >= LogLevel.error:
        _twisted_log(event)


def _is_router_without_http(application: Any) -> bool:
    return isinstance(application, ProtocolTypeRouter) and "http" not in application.application_mapping

"""Daphne, as this project runs it."""

from typing import Any

from daphne import cli, server, ws_protocol


class WebSocketProtocol(ws_protocol.WebSocketProtocol):
    def serverClose(self, code: int | None = None) -> None:
        # sendClose refuses the registered codes, such as 1008, 1012 and 1013.
        self.sendCloseFrame(code=1000 if code is None else code)


class Server(server.Server):
    """Tells a client why it is cut off: stock Daphne drops the TCP connection on a protocol violation."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options, ready_callable=self._set_up_factory)

    def _set_up_factory(self) -> None:
        self.ws_factory.protocol = WebSocketProtocol
        # With failByDrop, autobahn's default, the client of a frame over the limit sees 1006, not 1009.
        # A null origin is left to the origin check, which answers 403 as it does for any other.
        self.ws_factory.setProtocolOptions(failByDrop=False, allowNullOrigin=True)


class CommandLineInterface(cli.CommandLineInterface):
    server_class = Server

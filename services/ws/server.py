"""Daphne, as this project runs it."""

from typing import Any

from daphne import cli, server


class Server(server.Server):
    """Tells a client why it is cut off: stock Daphne drops the TCP connection on a protocol violation."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options, ready_callable=self._answer_violations_with_close_codes)

    def _answer_violations_with_close_codes(self) -> None:
        # With failByDrop, autobahn's default, the client of a frame over the limit sees 1006, not 1009.
        # A null origin is left to the origin check, which answers 403 as it does for any other.
        self.ws_factory.setProtocolOptions(failByDrop=False, allowNullOrigin=True)


class CommandLineInterface(cli.CommandLineInterface):
    server_class = Server

"""The WebSocket server: Daphne with limits, backpressure and a graceful shutdown.

``python -m channels_live.server`` serves a project. Importing this package neither imports Daphne nor chooses Twisted's
reactor.
"""

from channels_live.observability.metrics import register_close_codes, register_limits, register_results
from channels_live.server.drain import add_shutdown_hook
from channels_live.server.file_limits import sockets_that_fit
from channels_live.server.refusals import accept_and_close, deny, log_refusal
from channels_live.server.run import main

__all__ = [
    "accept_and_close",
    "add_shutdown_hook",
    "deny",
    "log_refusal",
    "main",
    "register_close_codes",
    "register_limits",
    "register_results",
    "sockets_that_fit",
]

"""Run nginx, Gunicorn, Daphne and Redis as processes of this machine, on the loopback address only.

``make run``, the tests and the benchmarks use it::

    with Stack(directory, ws_processes=3) as stack:
        stack.url                      # http://127.0.0.1:…
        stack.process("ws-1").kill()
        stack.process("ws-1").start()
"""

from channels_live.testing import ports
from deploy.local.process import Process, ProcessFailed
from deploy.local.stack import Stack

__all__ = ["Process", "ProcessFailed", "Stack", "ports"]

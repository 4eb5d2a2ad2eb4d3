"""The native run: the real nginx, Gunicorn, Daphne and Redis as processes of this machine, on loopback only.

``make run`` uses it, and so do the tests, drills and benchmarks::

    with Stack(directory, ws_processes=3) as stack:
        stack.url                      # http://127.0.0.1:…
        stack.part("ws-1").kill()
        stack.part("ws-1").start()
"""

from channels_live.testing import ports
from deploy.local.part import Part, PartFailed
from deploy.local.stack import Stack

__all__ = ["Part", "PartFailed", "Stack", "ports"]

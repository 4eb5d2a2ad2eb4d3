"""The server's own HTTP endpoints: health checks and metrics, independent of the application."""

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from channels_live.observability import metrics
from channels_live.observability.readiness import readiness

PATHS = frozenset({"/livez", "/readyz", "/metrics"})
# A thread of its own: a database that does not answer must not block the thread that Django's queries share.
_probe_thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="readyz")


async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Answer ``/livez`` and ``/metrics`` on the event loop, ``/readyz`` from a thread, whatever the Host header is.

    Any other path is 404, the response to HTTP requests if a project's router has no application for them.
    """
    status, body = 404, {"status": "not found"}
    if scope["path"] == "/metrics":
        await _send(send, 200, "text/plain; version=0.0.4; charset=utf-8", metrics.exposition())
        return
    if scope["path"] == "/livez":
        status, body = 200, {"status": "ok"}
    elif scope["path"] == "/readyz" and scope["channels_live.is_draining"]:
        status, body = 503, {"status": "draining"}
    elif scope["path"] == "/readyz":
        # Without Redis, delivery goes on by polling the journal.
        status, body = await asyncio.get_running_loop().run_in_executor(_probe_thread, readiness, ["redis"])
    await _send(send, status, "application/json", json.dumps(body).encode())


async def _send(send: Any, status: int, content_type: str, body: bytes) -> None:
    headers = [(b"content-type", content_type.encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})

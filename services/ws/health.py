"""The HTTP side of ws: its probes, and 404 for all else."""

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from base.health import readiness

# A thread of its own: a database that hangs must not hold up the thread that Django's queries share.
_probe_thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="readyz")


async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Answer ``/livez`` on the event loop, ``/readyz`` from a thread, whatever the Host header is."""
    status, body = 404, {"status": "not found"}
    if scope["path"] == "/livez":
        status, body = 200, {"status": "ok"}
    elif scope["path"] == "/readyz":
        # Without Redis, members are served by polling the journal.
        status, body = await asyncio.get_running_loop().run_in_executor(_probe_thread, readiness, ["redis"])
    headers = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(body).encode()})

"""The headers that let a page of another origin read a response: https://fetch.spec.whatwg.org/#http-cors-protocol."""

from collections.abc import Mapping
from typing import Any

from channels_live.observability.request_id import header
from channels_live.server.refusals import deny

# Seconds in which a browser asks once what it may send.
MAX_AGE = b"600"
# Of which a browser refuses a second value.
OURS = frozenset({b"access-control-allow-origin", b"access-control-allow-credentials"})


def with_cors(send: Any, origin: str) -> Any:
    """Return ``send`` with headers for a page of ``origin``, an allowed one; cookies may be sent."""

    async def send_with_cors(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            headers = [
                *((name, value) for name, value in message.get("headers", ()) if name.lower() not in OURS),
                (b"Access-Control-Allow-Origin", origin.encode("latin1")),
                (b"Access-Control-Allow-Credentials", b"true"),
                (b"Vary", b"Origin"),
            ]
            message = {**message, "headers": headers}
        await send(message)

    return send_with_cors


def is_preflight(scope: Mapping[str, Any]) -> bool:
    """Whether a browser asks what a page may send."""
    return scope["method"] == "OPTIONS" and header(scope, b"access-control-request-method") is not None


async def answer_preflight(scope: Mapping[str, Any], send: Any) -> None:
    """Allow what the page wants to send; the consumer decides about it."""
    wanted = [
        (b"Access-Control-Allow-Methods", header(scope, b"access-control-request-method")),
        (b"Access-Control-Allow-Headers", header(scope, b"access-control-request-headers")),
    ]
    headers = [(name, value.encode("latin1")) for name, value in wanted if value]
    headers.append((b"Access-Control-Max-Age", MAX_AGE))
    await deny(scope, send, 204, *headers)

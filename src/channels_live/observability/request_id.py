"""The id under which nginx, web and ws log one request or socket.

nginx makes it, or takes it from a trusted proxy, and passes it on as ``X-Request-ID``.
"""

import re
import uuid
from collections.abc import Mapping
from typing import Any

# As nginx takes it from a trusted proxy.
ACCEPTED = re.compile(r"[A-Za-z0-9_-]{8,64}")


def accepted_request_id(value: str | None) -> str:
    """Return the value of an ``X-Request-ID`` header, or a new id where it is missing or none."""
    return value if value and ACCEPTED.fullmatch(value) else uuid.uuid4().hex


def request_id_of(scope: Mapping[str, Any]) -> str:
    """Return the request id of an ASGI scope. Without the header it is a new one with every call: keep it."""
    return accepted_request_id(header(scope, b"x-request-id"))


def header(scope: Mapping[str, Any], name: bytes) -> str | None:
    """Return the first header of that lower-case name in an ASGI scope."""
    for key, value in scope.get("headers", ()):
        if key == name:
            return str(value.decode("latin1"))
    return None

"""The id under which nginx, web and ws log one request or socket.

nginx creates it, or accepts that of a trusted proxy, and forwards it as ``X-Request-ID``.
"""

import re
import uuid
from collections.abc import Mapping
from typing import Any

# What nginx accepts from a trusted proxy.
ACCEPTED = re.compile(r"[A-Za-z0-9_-]{8,64}")


def accepted_request_id(value: str | None) -> str:
    """Return the value of an ``X-Request-ID`` header, or a new id if it is missing or invalid."""
    return value if value and ACCEPTED.fullmatch(value) else uuid.uuid4().hex


def request_id_of(scope: Mapping[str, Any]) -> str:
    """Return the request id of an ASGI scope. Without the header each call returns a new one, so store it."""
    return accepted_request_id(header(scope, b"x-request-id"))


def header(scope: Mapping[str, Any], name: bytes) -> str | None:
    """Return the first header of that lower-case name in an ASGI scope."""
    for key, value in scope.get("headers", ()):
        if key == name:
            return str(value.decode("latin1"))
    return None

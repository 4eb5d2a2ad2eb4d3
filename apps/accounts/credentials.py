"""What lets a WebSocket in beside a session: see CREDENTIALS in services/base/settings.py."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs

from accounts import tickets, tokens
from accounts.revocations import token_subject
from channels_live.middleware import Identity, header
from channels_live.revocation import user_subject


class ApiTokenBackend:
    """``Authorization: Bearer <token>``, for programs."""

    name = "token"

    def find(self, scope: Mapping[str, Any]) -> str | None:
        return tokens.bearer_in(header(scope, b"authorization") or "")

    def authenticate(self, credential: str) -> Identity | None:
        found = tokens.find(credential)
        if found is None:
            return None
        return Identity(found.user, (token_subject(found), user_subject(found.user)))


class TicketBackend:
    """``?ticket=…``, for pages of other origins. Django's sessions need no backend."""

    name = "ticket"

    def find(self, scope: Mapping[str, Any]) -> str | None:
        if b"ticket" not in scope["query_string"]:
            return None
        given = parse_qs(scope["query_string"].decode("latin1"), keep_blank_values=True).get("ticket")
        return given[-1] if given else None

    def authenticate(self, credential: str) -> Identity | None:
        found = tickets.consume(credential)
        return Identity(*found) if found else None

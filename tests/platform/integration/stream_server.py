"""The server of ws with HTTP consumers of Channels, as a team has them, beside the feed of the tests.

``/sse/ticks/`` sends from ``handle``; ``/sse/group/`` is told what others publish with ``/sse/say/?text``;
``/sse/poll/`` begins its response late; ``/sse/flood/`` sends as fast as it may; ``/sse/incomplete/`` returns early.
``/sse/left/`` says how many of all these have seen their disconnect.
"""

import asyncio
import os
from typing import Any, ClassVar

from channels.db import database_sync_to_async
from channels.generic.http import AsyncHttpConsumer
from django.urls import path

from channels_live.revocation import add_subjects, revoke

STALL_SECONDS = 2.0
CHUNK = b"data: " + b"x" * 60_000 + b"\n\n"
HEADERS = [(b"Content-Type", b"text/event-stream")]
GROUP = "streams"


class Counted(AsyncHttpConsumer):
    left: ClassVar[int] = 0

    async def disconnect(self) -> None:
        Counted.left += 1


class Ticks(Counted):
    async def handle(self, body: bytes) -> None:
        add_subjects(self.scope, "ticks")
        await self.send_headers(headers=HEADERS)
        await self.send_body(b"data: 0\n\n", more_body=True)
        # It sends nothing that could fail when the client has left.
        await asyncio.Event().wait()


class Group(Counted):
    """The workaround for Channels' AsyncHttpConsumer, which ends with ``handle``."""

    async def http_request(self, message: dict[str, Any]) -> None:
        await self.channel_layer.group_add(GROUP, self.channel_name)
        await self.send_headers(headers=HEADERS)
        await self.send_body(b"data: joined\n\n", more_body=True)

    async def said(self, event: dict[str, Any]) -> None:
        await self.send_body(f"data: {event['text']}\n\n".encode(), more_body=True)


class Say(AsyncHttpConsumer):
    async def handle(self, body: bytes) -> None:
        await self.channel_layer.group_send(GROUP, {"type": "said", "text": self.scope["query_string"].decode()})
        await self.send_response(200, b"")


class Poll(Counted):
    async def handle(self, body: bytes) -> None:
        await asyncio.sleep(float(self.scope["query_string"]))
        await self.send_response(200, b"polled")


class Flood(Counted):
    async def handle(self, body: bytes) -> None:
        await self.send_headers(headers=HEADERS)
        while True:
            await self.send_body(CHUNK, more_body=True)


class Incomplete(AsyncHttpConsumer):
    async def handle(self, body: bytes) -> None:
        await self.send_headers(headers=[(b"Content-Type", b"text/plain")])
        if self.scope["query_string"]:
            await self.send_body(b"half", more_body=True)


class Left(AsyncHttpConsumer):
    async def handle(self, body: bytes) -> None:
        await self.send_response(200, f"{Counted.left}".encode())


class Revoke(AsyncHttpConsumer):
    async def handle(self, body: bytes) -> None:
        await database_sync_to_async(revoke)("ticks")
        await self.send_response(200, b"")


CONSUMERS = (Ticks, Group, Say, Poll, Flood, Incomplete, Left, Revoke)

if __name__ == "__main__":
    from channels_live.server.run import serve, set_up

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ws.settings")
    set_up()
    import feed.routing

    feed.routing.http_urlpatterns += [path(f"sse/{each.__name__.lower()}/", each.as_asgi()) for each in CONSUMERS]  # type: ignore[arg-type]
    serve(stall_seconds=STALL_SECONDS)

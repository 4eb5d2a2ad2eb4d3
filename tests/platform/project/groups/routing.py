import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from django.urls import re_path

from groups import consumers

# Applications that are inside the middleware below at the moment.
inside = 0


def counting(application: Any) -> Callable[..., Awaitable[None]]:
    """A middleware of a team's own that does something when its application returns."""

    async def counted(scope: dict[str, Any], receive: Any, send: Any) -> None:
        global inside
        inside += 1
        scope = {**scope, "inside": lambda: inside}
        try:
            await application(scope, receive, send)
        finally:
            inside -= 1

    return counted


def shouting(application: Any) -> Callable[..., Awaitable[None]]:
    """A middleware of a team's own that changes what is received and sent."""

    async def shouted(scope: dict[str, Any], receive: Any, send: Any) -> None:
        async def received() -> dict[str, Any]:
            message = await receive()
            return {**message, "text": message["text"].replace("whisper", "say")} if "text" in message else message

        async def sent(message: dict[str, Any]) -> None:
            await send({**message, "text": message["text"].upper()} if "text" in message else message)

        await application(scope, received, sent)

    return shouted


def marking(application: Any) -> Callable[..., Awaitable[None]]:
    """A middleware of a team's own that changes only what is sent."""

    async def marked(scope: dict[str, Any], receive: Any, send: Any) -> None:
        async def sent(message: dict[str, Any]) -> None:
            await send({**message, "text": message["text"].replace("hello", "HELLO")} if "text" in message else message)

        await application(scope, receive, sent)

    return marked


def beside(application: Any, other: Any) -> Callable[..., Awaitable[None]]:
    """Two applications of one socket, as a demultiplexer has them: the client is told when the other one closes."""

    async def both(scope: dict[str, Any], receive: Any, send: Any) -> None:
        received: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        accepted = asyncio.Event()

        async def sent(message: dict[str, Any]) -> None:
            if message["type"] == "websocket.accept":
                accepted.set()
            elif message["type"] == "websocket.close":
                await send({"type": "websocket.send", "text": '{"text": "the other has closed"}'})

        async def passed_on(message: dict[str, Any]) -> None:
            await send(message)

        received.put_nowait({"type": "websocket.connect"})
        serving = asyncio.ensure_future(other(dict(scope), received.get, sent))
        await accepted.wait()
        try:
            await application(scope, receive, passed_on)
        finally:
            received.put_nowait({"type": "websocket.disconnect", "code": 1000})
            await serving

    return both


class CountedMember(consumers.AsyncMember):
    async def order_inside(self, _: Any) -> None:
        await self.answer(inside=self.scope["inside"]())


MEMBERS = {
    "async": consumers.AsyncMember.as_asgi(),
    "sync": consumers.SyncMember.as_asgi(),
    "stock-async": consumers.StockAsyncMember.as_asgi(),
    "stock-sync": consumers.StockSyncMember.as_asgi(),
    "late": consumers.LateMember.as_asgi(),
    "hasty": consumers.HastyAsyncMember.as_asgi(),
    "hasty-sync": consumers.HastySyncMember.as_asgi(),
    "failing": consumers.FailingAsyncMember.as_asgi(),
    "failing-sync": consumers.FailingSyncMember.as_asgi(),
    "beside": beside(consumers.AsyncMember.as_asgi(), consumers.StoppingMember.as_asgi()),
    "counted": counting(CountedMember.as_asgi()),
    "shouted": shouting(consumers.AsyncMember.as_asgi()),
    "shouted-sync": shouting(consumers.SyncMember.as_asgi()),
    "marked": marking(consumers.AsyncMember.as_asgi()),
    "marked-sync": marking(consumers.SyncMember.as_asgi()),
}
websocket_urlpatterns = [
    re_path(rf"^ws/groups/{name}/(?P<room>[\w-]+)/$", application)  # type: ignore[arg-type]
    for name, application in MEMBERS.items()
]

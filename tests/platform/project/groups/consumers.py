"""Consumers as a team writes them for Channels; each client says what its own does.

A frame is an order, such as ``{"say": "hello"}``: all members of the room are sent it. The order ``on_said`` is what
the member's handler of such events does from then on.
"""

import asyncio
import json
import threading
import time
from typing import Any

from asgiref.sync import async_to_sync
from channels.exceptions import StopConsumer
from channels.generic.websocket import AsyncWebsocketConsumer as StockAsyncWebsocketConsumer
from channels.generic.websocket import WebsocketConsumer as StockWebsocketConsumer
from django.contrib.auth import get_user_model
from django.utils import translation

from channels_live.consumers import AsyncWebsocketConsumer, WebsocketConsumer
from channels_live.revocation import add_subjects

Event = dict[str, Any]


class Refused(Exception):
    """Raised by a handler on order."""


class AsyncRoom:
    """A member of the room that the URL names."""

    on_said: Any = None

    async def connect(self) -> None:
        self.room = self.scope["url_route"]["kwargs"]["room"]
        add_subjects(self.scope, f"room:{self.room}")
        await self.channel_layer.group_add(self.room, self.channel_name)
        await self.accept()

    async def disconnect(self, code: int) -> None:
        await self.say(f"left with {code}")
        await self.channel_layer.group_discard(self.room, self.channel_name)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        [(order, value)] = json.loads(text_data or "").items()
        await getattr(self, f"order_{order}")(value)

    async def order_say(self, text: str) -> None:
        await self.say(text)

    async def order_many(self, number: int) -> None:
        for each in range(number):
            await self.say(f"{each}")

    async def order_address(self, _: Any) -> None:
        await self.answer(address=self.channel_name)

    async def order_tell(self, value: list[str]) -> None:
        address, text = value
        await self.channel_layer.send(address, {"type": "room.said", "text": text})

    async def order_language(self, language: str) -> None:
        translation.activate(language)

    async def order_on_said(self, value: Any) -> None:
        self.on_said = value

    async def order_users(self, _: Any) -> None:
        await self.answer(users=await get_user_model().objects.acount())

    async def order_hang(self, _: Any) -> None:
        await asyncio.Event().wait()

    async def order_close(self, value: list[Any]) -> None:
        await self.close(*value)

    async def order_raise(self, _: Any) -> None:
        raise Refused

    async def order_cancel(self, what: str) -> None:
        if what == "own task":
            asyncio.current_task().cancel()
        else:
            other = asyncio.ensure_future(asyncio.sleep(3600))
            other.cancel()
            await other

    async def order_path(self, _: Any) -> None:
        await self.answer(path=self.scope["path"], user=str(self.scope["user"]))

    async def room_said(self, event: Event) -> None:
        match self.on_said:
            case "raise":
                raise Refused
            case "cancel":
                asyncio.current_task().cancel()
            case "stop":
                raise StopConsumer
            case "hang":
                await asyncio.Event().wait()
            case float(seconds):
                await asyncio.sleep(seconds)
            case ["send", number, size]:
                for _ in range(number):
                    await self.send("." * size)
            case "users":
                await self.answer(users=await get_user_model().objects.acount())
                return
            case "timeout":
                try:
                    async with asyncio.timeout(0.01):
                        await asyncio.sleep(60)
                except TimeoutError:
                    await self.answer(text="timed out")
                    return
            case "change":
                event["text"] += "!"
                event["more"]["by"] += "!"
        await self.answer(text=event["text"], language=translation.get_language(), **event.get("more", {}))

    async def say(self, text: str) -> None:
        await self.channel_layer.group_send(self.room, {"type": "room.said", "text": text, "more": {"by": "a member"}})

    async def answer(self, **answer: Any) -> None:
        await self.send(text_data=json.dumps(answer))


class SyncRoom:
    """The same, synchronous."""

    on_said: Any = None

    def connect(self) -> None:
        self.room = self.scope["url_route"]["kwargs"]["room"]
        add_subjects(self.scope, f"room:{self.room}")
        async_to_sync(self.channel_layer.group_add)(self.room, self.channel_name)
        self.accept()

    def disconnect(self, code: int) -> None:
        self.say(f"left with {code}")
        async_to_sync(self.channel_layer.group_discard)(self.room, self.channel_name)

    def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        [(order, value)] = json.loads(text_data or "").items()
        getattr(self, f"order_{order}")(value)

    def order_say(self, text: str) -> None:
        self.say(text)

    def order_many(self, number: int) -> None:
        for each in range(number):
            self.say(f"{each}")

    def order_address(self, _: Any) -> None:
        self.answer(address=self.channel_name)

    def order_tell(self, value: list[str]) -> None:
        address, text = value
        async_to_sync(self.channel_layer.send)(address, {"type": "room.said", "text": text})

    def order_language(self, language: str) -> None:
        translation.activate(language)

    def order_on_said(self, value: Any) -> None:
        self.on_said = value

    def order_users(self, _: Any) -> None:
        self.answer(users=get_user_model().objects.count())

    def order_close(self, value: list[Any]) -> None:
        self.close(*value)

    def order_raise(self, _: Any) -> None:
        raise Refused

    def order_path(self, _: Any) -> None:
        self.answer(path=self.scope["path"], user=str(self.scope["user"]))

    def order_thread(self, _: Any) -> None:
        self.answer(thread=threading.current_thread().name)

    def room_said(self, event: Event) -> None:
        match self.on_said:
            case "raise":
                raise Refused
            case "stop":
                raise StopConsumer
            case float(seconds):
                time.sleep(seconds)
            case ["send", number, size]:
                for _ in range(number):
                    self.send("." * size)
            case "users":
                self.answer(users=get_user_model().objects.count())
                return
            case "change":
                event["text"] += "!"
                event["more"]["by"] += "!"
        self.answer(text=event["text"], language=translation.get_language(), **event.get("more", {}))

    def say(self, text: str) -> None:
        message = {"type": "room.said", "text": text, "more": {"by": "a member"}}
        async_to_sync(self.channel_layer.group_send)(self.room, message)

    def answer(self, **answer: Any) -> None:
        self.send(text_data=json.dumps(answer))


class AsyncMember(AsyncRoom, AsyncWebsocketConsumer):
    pass


class SyncMember(SyncRoom, WebsocketConsumer):
    pass


class StockAsyncMember(AsyncRoom, StockAsyncWebsocketConsumer):
    pass


class StockSyncMember(SyncRoom, StockWebsocketConsumer):
    pass


class LateMember(AsyncMember):
    """Accepts when the room is told something."""

    async def connect(self) -> None:
        self.room = self.scope["url_route"]["kwargs"]["room"]
        await self.channel_layer.group_add(self.room, self.channel_name)

    async def room_said(self, event: Event) -> None:
        await self.accept()
        await super().room_said(event)


class HastyAsyncMember(AsyncMember):
    """Sends before it accepts, and says then what came of it."""

    async def connect(self) -> None:
        self.room = self.scope["url_route"]["kwargs"]["room"]
        try:
            await self.answer(text="too early")
        except ValueError as error:
            await self.accept()
            await self.answer(error=str(error))


class HastySyncMember(SyncMember):
    """The same, synchronous."""

    def connect(self) -> None:
        self.room = self.scope["url_route"]["kwargs"]["room"]
        try:
            self.answer(text="too early")
        except ValueError as error:
            self.accept()
            self.answer(error=str(error))


class FailingAsyncMember(AsyncMember):
    """Raises after it has accepted."""

    async def connect(self) -> None:
        await super().connect()
        raise Refused


class FailingSyncMember(SyncMember):
    """The same, synchronous."""

    def connect(self) -> None:
        super().connect()
        raise Refused


class StoppingMember(AsyncMember):
    """Ends with the first that is said in the room."""

    on_said = "stop"

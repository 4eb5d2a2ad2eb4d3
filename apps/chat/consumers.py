import json
import logging
from typing import Any

from channels.generic.websocket import AsyncWebsocketConsumer
from redis.exceptions import RedisError

from chat.messages import InvalidMessage, parse_message
from chat.rooms import group_name

logger = logging.getLogger(__name__)


class ChatConsumer(AsyncWebsocketConsumer):
    """A member of one room, in the tutorial's protocol: ``{"message": "text"}`` in, the same out to everyone.

    Bad input is answered to its sender alone with ``{"error": {"code", "detail"}}``, and the socket lives.
    """

    async def connect(self) -> None:
        self.group = group_name(self.scope["url_route"]["kwargs"]["room"])
        await self.channel_layer.group_add(self.group, self.channel_name)
        await self.accept()

    async def disconnect(self, code: int) -> None:
        await self.channel_layer.group_discard(self.group, self.channel_name)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        try:
            text = parse_message(text_data)
        except InvalidMessage as error:
            await self._send_error(error.code, error.detail)
            return
        try:
            await self.channel_layer.group_send(self.group, {"type": "chat.message", "message": text})
        except (RedisError, OSError) as error:
            logger.warning("A message was refused, Redis does not answer: %s", error)
            await self._send_error("unavailable", "The message was not sent; try again.")

    async def chat_message(self, event: dict[str, Any]) -> None:
        await self.send(json.dumps({"message": event["message"]}))

    async def _send_error(self, code: str, detail: str) -> None:
        await self.send(json.dumps({"error": {"code": code, "detail": detail}}))

"""An ASGI application that takes every socket and says nothing: what the server alone costs."""

from typing import Any


async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
    while (event := await receive())["type"] != "websocket.disconnect":
        if event["type"] == "websocket.connect":
            await send({"type": "websocket.accept"})

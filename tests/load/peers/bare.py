"""An ASGI application that accepts every socket and sends nothing: the cost of the server alone."""

from typing import Any


async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
    while (event := await receive())["type"] != "websocket.disconnect":
        if event["type"] == "websocket.connect":
            await send({"type": "websocket.accept"})

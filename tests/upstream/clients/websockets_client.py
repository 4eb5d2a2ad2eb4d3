"""A client with websockets."""

import asyncio
import sys
from contextlib import suppress

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.upstream.clients.line import queue_commands, tell


async def obey(socket: ClientConnection) -> None:
    commands = queue_commands()
    while True:
        match await commands.get():
            case {"send": text}:
                await socket.send(text)
            case {"ping": payload}:
                await (await socket.ping(payload))
                tell("pong", payload=payload)
            case {"close": code}:
                await socket.close(code)


async def main(url: str, origin: str, subprotocol: str) -> None:
    options = {"subprotocols": [subprotocol]} if subprotocol else {}
    try:
        socket = await connect(url, origin=origin, proxy=None, **options)
    except InvalidStatus as error:
        tell("refused", status=error.response.status_code)
        return
    extensions = socket.response.headers.get("Sec-WebSocket-Extensions", "")
    tell("open", subprotocol=socket.subprotocol or "", extensions=extensions)
    obeying = asyncio.create_task(obey(socket))
    # Of a close that is not 1000 or 1001 the library makes an exception.
    with suppress(ConnectionClosed):
        while True:
            tell("text", data=await socket.recv())
    obeying.cancel()
    tell("close", code=socket.close_code)


asyncio.run(main(*sys.argv[1:]))

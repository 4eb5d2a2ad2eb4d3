"""A client with aiohttp."""

import asyncio
import sys

from aiohttp import ClientSession, ClientWebSocketResponse, WSMsgType, WSServerHandshakeError

from tests.upstream.clients.line import queue_commands, tell


async def obey(socket: ClientWebSocketResponse, is_closing: asyncio.Event) -> None:
    commands = queue_commands()
    while not is_closing.is_set():
        match await commands.get():
            case {"send": text}:
                await socket.send_str(text)
            case {"ping": payload}:
                await socket.ping(payload.encode())
            case {"close": code}:
                is_closing.set()
                await socket.close(code=code)


async def main(url: str, origin: str, subprotocol: str) -> None:
    protocols = (subprotocol,) if subprotocol else ()
    async with ClientSession() as session:
        try:
            # It answers pings, but by itself it shows no pong.
            socket = await session.ws_connect(url, origin=origin, protocols=protocols, compress=15, autoping=False)
        except WSServerHandshakeError as error:
            tell("refused", status=error.status)
            return
        tell("open", subprotocol=socket.protocol or "", extensions="permessage-deflate" if socket.compress else "")
        is_closing = asyncio.Event()
        obeying = asyncio.create_task(obey(socket, is_closing))
        async for message in socket:
            if message.type is WSMsgType.PING:
                await socket.pong(message.data)
            elif message.type is WSMsgType.PONG:
                tell("pong", payload=message.data.decode())
            else:
                tell("text", data=message.data)
        # What closes the socket reads the server's answer, too, while the loop above has ended.
        if is_closing.is_set():
            await obeying
        tell("close", code=socket.close_code)


asyncio.run(main(*sys.argv[1:]))

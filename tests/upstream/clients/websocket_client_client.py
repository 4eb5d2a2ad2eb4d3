"""A client with websocket-client."""

import sys
import threading

import websocket

from tests.upstream.clients.line import commands, tell


def opened(app: websocket.WebSocketApp) -> None:
    socket = app.sock
    tell("open", subprotocol=socket.subprotocol or "", extensions=socket.headers.get("sec-websocket-extensions", ""))
    threading.Thread(target=obey, args=[socket], daemon=True).start()


def obey(socket: websocket.WebSocket) -> None:
    for command in commands():
        match command:
            case {"send": text}:
                socket.send_text(text)
            case {"ping": payload}:
                socket.ping(payload)
            case {"close": code}:
                socket.send_close(code)


def failed(_: websocket.WebSocketApp, error: Exception) -> None:
    if isinstance(error, websocket.WebSocketBadStatusException):
        tell("refused", status=error.status_code)


def main(url: str, origin: str, subprotocol: str) -> None:
    app = websocket.WebSocketApp(
        url,
        subprotocols=[subprotocol] if subprotocol else None,
        on_open=opened,
        on_error=failed,
        on_message=lambda _, text: tell("text", data=text),
        on_pong=lambda _, payload: tell("pong", payload=payload.decode()),
        on_close=lambda _, code, reason: code and tell("close", code=code),
    )
    app.run_forever(origin=origin)


main(*sys.argv[1:])

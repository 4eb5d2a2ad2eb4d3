"""A client with libcurl, through PycURL."""

import json
import os
import select
import sys

import pycurl

from tests.upstream.clients.line import tell


def connected(url: str, origin: str, subprotocol: str) -> pycurl.Curl | None:
    """Return a connection, or None where the handshake was refused."""
    headers: dict[str, str] = {}

    def read_header(line: bytes) -> None:
        name, _, value = line.decode().partition(":")
        headers[name.lower()] = value.strip()

    fields = [f"Origin: {origin}"]
    if subprotocol:
        fields.append(f"Sec-WebSocket-Protocol: {subprotocol}")
    curl = pycurl.Curl()
    curl.setopt(pycurl.URL, url)
    curl.setopt(pycurl.CONNECT_ONLY, 2)
    curl.setopt(pycurl.PROXY, "")
    # libcurl's own pongs leave with what the program sends next, so one that only listens would be dropped.
    curl.setopt(pycurl.WS_OPTIONS, pycurl.WS_NOAUTOPONG)
    curl.setopt(pycurl.HTTPHEADER, fields)
    curl.setopt(pycurl.HEADERFUNCTION, read_header)
    try:
        curl.perform()
    except pycurl.error:
        tell("refused", status=curl.getinfo(pycurl.RESPONSE_CODE))
        return None
    extensions = headers.get("sec-websocket-extensions", "")
    tell("open", subprotocol=headers.get("sec-websocket-protocol", ""), extensions=extensions)
    return curl


def send(curl: pycurl.Curl, data: bytes, flags: int) -> None:
    while True:
        try:
            data = data[curl.ws_send(data, flags) :]
        except BlockingIOError:
            select.select([], [curl.getinfo(pycurl.ACTIVESOCKET)], [])
        else:
            if not data:
                return


def obey(curl: pycurl.Curl, line: bytes) -> None:
    match json.loads(line):
        case {"send": text}:
            send(curl, text.encode(), pycurl.WS_TEXT)
        case {"ping": payload}:
            send(curl, payload.encode(), pycurl.WS_PING)
        case {"close": code}:
            curl.ws_close(code)


def receive(curl: pycurl.Curl, parts: list[bytes]) -> bool:
    """Read what has come, and return whether the connection is still open."""
    while True:
        try:
            data, meta = curl.ws_recv(65536)
        except BlockingIOError:
            return True
        parts.append(data)
        if meta.bytesleft or meta.flags & pycurl.WS_CONT:
            continue
        whole = b"".join(parts)
        parts.clear()
        if meta.flags & pycurl.WS_CLOSE:
            tell("close", code=int.from_bytes(whole[:2], "big"))
            return False
        if meta.flags & pycurl.WS_PING:
            send(curl, whole, pycurl.WS_PONG)
        elif meta.flags & pycurl.WS_PONG:
            tell("pong", payload=whole.decode())
        elif meta.flags & pycurl.WS_TEXT:
            tell("text", data=whole.decode())


def main(url: str, origin: str, subprotocol: str) -> None:
    curl = connected(url, origin, subprotocol)
    parts: list[bytes] = []
    # Unbuffered, or select would know nothing of lines that were read ahead.
    commands = os.fdopen(sys.stdin.fileno(), "rb", buffering=0)
    # What came with the answer to the handshake is in libcurl already.
    while curl and receive(curl, parts):
        ready, _, _ = select.select([commands, curl.getinfo(pycurl.ACTIVESOCKET)], [], [])
        if commands in ready:
            obey(curl, commands.readline())


main(*sys.argv[1:])

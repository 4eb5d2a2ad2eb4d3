"""An ordinary Channels consumer receives a burst that is larger than its inbox."""

import socket
from urllib.parse import urlsplit

from deploy.local import Process
from tests.support.raw_sockets import KEY, masked, read_until

COUNT = 2000


def test_burst_is_echoed_in_order(echo_server: Process) -> None:
    address = urlsplit(echo_server.url)
    rows = ["GET /stock HTTP/1.1", f"Host: {address.netloc}", "Upgrade: websocket", "Connection: Upgrade"]
    rows += [f"Sec-WebSocket-Key: {KEY}", "Sec-WebSocket-Version: 13", "", ""]
    messages = b"".join(masked(b"%05d" % number) for number in range(COUNT))
    end = masked((1000).to_bytes(2, "big"), opcode=8)
    with socket.create_connection((address.hostname, address.port), timeout=30) as line:
        line.sendall("\r\n".join(rows).encode() + messages + end)
        received = read_until(line, b"\x88\x02\x03\xe8").partition(b"\r\n\r\n")[2]
    # Messages that are still in the inbox when the close frame is read are not echoed.
    assert received.startswith(b"".join(b"\x81\x05%05d" % number for number in range(COUNT - 100)))

"""What a connection keeps, and what it drops, when a consumer attaches."""

from tests.support.protocol_script import run

# A text message in two frames, cut within a character, with a ping in between; then a binary and an empty message.
PACED = """
text = "zwölf 😀 Boxkämpfer".encode()
data = (
    masked(text[:9], is_last=False) + masked(b"p1", opcode=9) + masked(text[9:], opcode=0)
    + masked(b"x" * 200, opcode=2) + masked(b"p2", opcode=9) + masked(b"")
)
expected = [{"text": text.decode()}, {"bytes": b"x" * 200}, {"text": ""}]

async def main():
    for cut in range(len(data) + 1):
        for size in (1, len(data)):
            taken = []
            async def handler(message):
                assert message.pop("type") == "websocket.receive"
                taken.append(message)
            protocol = accepted()
            for piece in pieces(data[:cut], size):
                protocol.dataReceived(piece)
            protocol.attach(handler)
            for piece in pieces(data[cut:], size):
                protocol.dataReceived(piece)
            while len(taken) < 3:
                assert protocol.state == protocol.STATE_OPEN, (cut, size)
                await asyncio.sleep(0)
            assert taken == expected, (cut, size, taken)
            assert b"".join(protocol.transport.sent) == b"\\x8a\\x02p1\\x8a\\x02p2", (cut, size)

def pieces(data, size):
    return (data[place:place + size] for place in range(0, len(data), size))

twisted_loop.run_until_complete(asyncio.wait_for(main(), 50))
"""

WAITING = """
async def main():
    async def handler(message):
        pass
    protocol = accepted()
    for number in range(5):
        protocol.dataReceived(masked(b"?", opcode=9))
    protocol.transport.takes = False
    protocol.write(b"first")
    protocol.write(b"second")
    sent = asyncio.create_task(protocol.sent())
    await asyncio.sleep(0)
    protocol.attach(handler)
    protocol.write(b"third")
    assert protocol.backlog_bytes == len("secondthird"), protocol.backlog_bytes
    assert protocol.transport.value() == b"first"
    protocol.transport.takes = True
    protocol.resumeProducing()
    assert protocol.transport.sent[-1] == b"secondthird", protocol.transport.sent
    await sent
    # The ping limit's burst is 5; the third refused ping exceeds the refusal limit.
    for number in range(3):
        assert protocol.state == protocol.STATE_OPEN
        protocol.dataReceived(masked(b"?", opcode=9))
    assert protocol.state != protocol.STATE_OPEN
twisted_loop.run_until_complete(asyncio.wait_for(main(), 50))
"""

AT_REST = """
async def main():
    taken = asyncio.Event()
    async def handler(message):
        taken.set()
    protocol = accepted()
    protocol.socket_opened = protocol.last_received_at = 1.0
    protocol.subjects = ("user",)
    # A client may send right after the handshake.
    protocol.dataReceived(masked(b"hello") + masked(b"?", opcode=9))
    await protocol.receive()
    protocol.pings = None
    protocol.attach(handler)
    kept = {"transport", "send_now", "last_received_at", "handler", "socket_opened", "request_id", "subjects"}
    assert set(vars(protocol)) == kept, set(vars(protocol)) ^ kept
twisted_loop.run_until_complete(asyncio.wait_for(main(), 50))
"""


def test_attach_keeps_a_partially_received_message():
    run(PACED)


def test_attach_keeps_unsent_data_and_rate_limit_counts():
    run(WAITING)


def test_attach_drops_everything_else_of_an_idle_connection():
    run(AT_REST)

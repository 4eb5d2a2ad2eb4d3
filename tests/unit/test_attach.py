"""What has come, and what waits, when a consumer attaches to its connection stays as it is."""

from tests.unit.one_protocol import run

# A text in two frames with a ping between them, the cut within a character; then a whole one, and an empty one.
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
    flushed = asyncio.create_task(protocol.flushed())
    await asyncio.sleep(0)
    protocol.attach(handler)
    protocol.write(b"third")
    assert protocol.backlog_bytes == len("secondthird"), protocol.backlog_bytes
    assert protocol.transport.value() == b"first"
    protocol.transport.takes = True
    protocol.resumeProducing()
    assert protocol.transport.sent[-1] == b"secondthird", protocol.transport.sent
    await flushed
    # Five pings may come at once: one more is refused, and the third refusal closes.
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
    protocol.socket_opened = protocol.heard = 1.0
    protocol.subjects = ("user",)
    # It has said something before, as the sender of an outbox does.
    protocol.dataReceived(masked(b"hello") + masked(b"?", opcode=9))
    await protocol.receive()
    protocol.pings = None
    protocol.attach(handler)
    kept = {"transport", "send_now", "heard", "handler", "socket_opened", "request_id", "subjects"}
    assert set(vars(protocol)) == kept, set(vars(protocol)) ^ kept
twisted_loop.run_until_complete(asyncio.wait_for(main(), 50))
"""


def test_a_message_may_be_cut_anywhere_by_the_moment_in_which_a_consumer_attaches():
    run(PACED)


def test_what_waits_to_be_sent_and_what_was_refused_outlast_it():
    run(WAITING)


def test_one_at_rest_keeps_next_to_nothing():
    run(AT_REST)

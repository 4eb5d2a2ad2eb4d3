"""The limits of a connection before a consumer attaches; ordinary Channels consumers never do."""

from tests.support.protocol_script import run

UNREAD = """
async def main():
    protocol = accepted()
    waiting = protocol.application_queue
    for payloads in ([b"%d" % number for number in range(100)], [b""] * 100, [b"x" * 50_000] * 10):
        protocol.dataReceived(b"".join(map(masked, payloads)))
        size = len(payloads[0])
        most = 32 if size < 10 else 128 * 1024 // size + 1
        assert waiting.qsize() == most, waiting.qsize()
        assert protocol.transport.producerState == "paused"
        taken = [(await protocol.receive())["text"].encode() for _ in payloads]
        assert taken == payloads
        assert protocol.transport.producerState == "producing"
    # The disconnect follows the unread messages.
    protocol.dataReceived(messages(40))
    protocol.onClose(False, 1006, None)
    types = [(await protocol.receive())["type"] for _ in range(33)]
    assert types == ["websocket.receive"] * 32 + ["websocket.disconnect"], types
twisted_loop.run_until_complete(asyncio.wait_for(main(), 50))
"""

CLOSED = """
async def main():
    protocol = accepted()
    protocol.dataReceived(messages(100) + masked((1012).to_bytes(2, "big"), opcode=8))
    assert protocol.transport.producerState == "paused"
    protocol.close(1012)
    assert protocol.transport.producerState == "producing"
    while protocol.state != protocol.STATE_CLOSED:
        await asyncio.sleep(0)
    assert protocol.wasClean
    assert protocol.application_queue.qsize() == 32
twisted_loop.run_until_complete(asyncio.wait_for(main(), 50))
"""

PONG = """
from unittest import mock
from channels_live.server.registry import Registry

async def main():
    protocol = accepted()
    sockets = Registry(interval=1, timeout=30)
    sockets.add(protocol)
    with mock.patch("time.monotonic", lambda: now):
        now = 0.0
        protocol.dataReceived(messages(32))
        now = 20.0
        sockets.tick()
        assert protocol.transport.sent[-1] == b"\\x89\\x00"
        now = 60.0
        sockets.tick()
        assert protocol.state == protocol.STATE_OPEN, "dropped while its pong is not read"
        sockets.tick()
        # Reading resumes; the pong is read in the next turn of the event loop.
        for _ in range(32):
            await protocol.receive()
        now = 90.5
        sockets.tick()
        assert protocol.state == protocol.STATE_OPEN, "dropped before its pong could be read"
        now = 125.0
        sockets.tick()
        assert protocol.state == protocol.STATE_CLOSED, "it is gone"
twisted_loop.run_until_complete(asyncio.wait_for(main(), 50))
"""

PINGS = """
async def main():
    protocol = accepted()
    protocol.dataReceived(masked(b"?", opcode=9) * 1000)
    assert protocol.localCloseCode == 1008
    assert protocol.transport.sent.count(b"\\x8a\\x01?") == 5
twisted_loop.run_until_complete(asyncio.wait_for(main(), 50))
"""

PONGS = """
async def main():
    protocol = accepted()
    protocol.dataReceived(masked(b"?", opcode=10) * 5)
    assert protocol.refusals is None
    protocol.dataReceived(masked(b"?", opcode=10) * 1000)
    assert protocol.localCloseCode == 1008
twisted_loop.run_until_complete(asyncio.wait_for(main(), 50))
"""

GONE = """
from unittest import mock
from channels_live.server.registry import Registry

async def main():
    protocol = accepted()
    sockets = Registry(interval=1, timeout=30)
    sockets.add(protocol)
    aborted = []
    protocol.transport.abortConnection = lambda: aborted.append(True)
    with mock.patch("time.monotonic", lambda: now):
        now = 0.0
        protocol.transport.takes = False
        protocol.write(b"never read")
        protocol.dataReceived(masked(b"", opcode=8))
        # Twisted closes the connection after the unsent data has been written.
        assert protocol.transport.disconnecting and not aborted
        for now in (20.0, 51.0):
            sockets.tick()
        assert aborted
twisted_loop.run_until_complete(asyncio.wait_for(main(), 50))
"""


def test_reading_pauses_while_the_application_has_unread_messages():
    run(UNREAD)


def test_close_of_a_paused_connection_completes_the_closing_handshake():
    run(CLOSED)


def test_ping_timeout_spares_a_paused_connection():
    run(PONG)


def test_ping_limit_applies_before_attach():
    run(PINGS)


def test_ping_timeout_aborts_a_closed_connection_that_is_never_read():
    run(GONE)


def test_pongs_that_nobody_asked_for_count_as_pings_do():
    run(PONGS)

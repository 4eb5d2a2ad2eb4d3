"""What waits for a client that takes its time, and how long."""

from tests.support.protocol_script import run

# The transport of these scripts takes what it is told to take.
TAKES = """
from twisted.internet.error import ConnectionLost
from twisted.python.failure import Failure

def backed_up(**transport):
    protocol = accepted()
    protocol.transport.takes = False
    vars(protocol.transport).update(transport)
    return protocol

def begun(coroutine):
    return asyncio.get_running_loop().create_task(coroutine)

async def turns():
    for _ in range(5):
        await asyncio.sleep(0)
"""

WAITS = """
async def main():
    protocol = backed_up()
    sending = [begun(protocol.send(b"x" * 300_000)) for _ in range(2)]
    await turns()
    protocol.write(b"behind")
    assert not any(task.done() for task in sending)
    assert protocol.state == protocol.STATE_OPEN, "far more than the member's buffer of 64 KiB"
    protocol.resumeProducing()
    await turns()
    assert [task.done() for task in sending] == [True, False], "the second is with the transport now"
    protocol.transport.takes = True
    protocol.resumeProducing()
    await asyncio.gather(*sending)
    await protocol.send(b"at once")
    assert protocol.transport.value() + b"".join(protocol.transport.sent) == b"x" * 600_000 + b"behindat once"
twisted_loop.run_until_complete(asyncio.wait_for(main(), 50))
"""

FOR_MANY = """
async def main():
    protocol = backed_up()
    protocol.write(b"1" * 1000)
    protocol.write(b"2" * 100_000)
    assert protocol.state == protocol.STATE_OPEN, "nothing else waited: it may just be a large one"
    protocol.write(b"3")
    assert protocol.localCloseCode == 1013
    assert protocol.backlog == [b"\\x88\\x02\\x03\\xf5"], "only the close frame waits now"
twisted_loop.run_until_complete(asyncio.wait_for(main(), 50))
"""

STALLED = """
async def main():
    Server.stall_seconds = 0.01
    reading, stalled = backed_up(dataBuffer=b"x" * 100), backed_up(dataBuffer=b"x" * 100)
    looks = []
    def read_on(unsent=reading.unsent):
        looks.append(unsent())
        reading.transport.offset += 1
        return looks[-1]
    reading.unsent = read_on
    sending = [begun(protocol.send(b"x")) for protocol in (reading, stalled)]
    await sending[1]
    assert stalled.localCloseCode == 1013
    while len(looks) < 5:
        await asyncio.sleep(0)
    assert reading.state == reading.STATE_OPEN
    assert not sending[0].done()
    reading.connectionLost(Failure(ConnectionLost()))
    await sending[0]
    assert reading.stall_timer is None
twisted_loop.run_until_complete(asyncio.wait_for(main(), 50))
"""

STOCK = """
from channels_live.server.server import Server

class Daphne(Server):
    def __init__(self, protocol):
        self.connections = {protocol: {}}
        self._loop = asyncio.get_running_loop()

async def main():
    protocol = backed_up()
    for content in ({"text": "x" * 300_000}, {"bytes": b"x" * 300_000}):
        sending = begun(Daphne(protocol).handle_reply(protocol, {"type": "websocket.send", **content}))
        await turns()
        assert not sending.done(), "the application goes on to the next"
        protocol.resumeProducing()
        await sending
    assert protocol.state == protocol.STATE_OPEN
twisted_loop.run_until_complete(asyncio.wait_for(main(), 50))
"""

CLOSED = """
async def main():
    protocol = backed_up()
    sending = begun(protocol.send(b"all of it"))
    await turns()
    protocol.close(1012)
    await sending
    await protocol.send(b"too late")
    protocol.transport.takes = True
    protocol.resumeProducing()
    data = protocol.transport.value() + b"".join(protocol.transport.sent)
    assert data == b"all of it\\x88\\x02\\x03\\xf4", data
twisted_loop.run_until_complete(asyncio.wait_for(main(), 50))
"""

CLOSE_TIMEOUT = """
async def main():
    protocol = backed_up(dataBuffer=b"x" * 100)
    protocol.write(b"1")
    protocol.close(1000)
    protocol.transport.offset = 10
    protocol.onCloseHandshakeTimeout()
    assert protocol.state == protocol.STATE_CLOSING, "it still reads what was sent before the close"
    protocol.onCloseHandshakeTimeout()
    assert protocol.state == protocol.STATE_CLOSED
twisted_loop.run_until_complete(asyncio.wait_for(main(), 50))
"""

REVOKED = """
async def main():
    async def handler(message):
        await protocol.send(b"an answer")
    protocol = opened(handler)
    protocol.transport.takes = False
    protocol.dataReceived(messages(3))
    await turns()
    protocol.revoke(frozenset({"user"}))
    assert protocol.localCloseCode == 1012, "its handler waits for the client"
twisted_loop.run_until_complete(asyncio.wait_for(main(), 50))
"""


def test_who_sends_waits_until_the_kernel_has_it_and_no_longer():
    run(TAKES + WAITS)


def test_who_tells_many_does_not_wait_and_only_what_piles_up_is_too_much():
    run(TAKES + FOR_MANY)


def test_only_a_client_that_takes_nothing_at_all_is_closed_as_slow():
    run(TAKES + STALLED)


def test_an_ordinary_consumer_waits_too():
    run(TAKES + STOCK)


def test_what_was_sent_before_the_close_arrives_before_it():
    run(TAKES + CLOSED)


def test_a_client_that_still_reads_may_answer_the_close_later():
    run(TAKES + CLOSE_TIMEOUT)


def test_a_revocation_does_not_wait_for_a_client_that_reads_nothing():
    run(TAKES + REVOKED)

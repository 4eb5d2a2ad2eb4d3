import asyncio

from channels_live.server.handshake_queue import HandshakeQueue


class Handshake:
    def __init__(self, begun: list["Handshake"]) -> None:
        self._begun = begun

    def begin_handshake(self) -> None:
        self._begun.append(self)


async def queue_with(most: int, count: int) -> tuple[HandshakeQueue, list[Handshake], list[Handshake]]:
    """Return a queue that ``count`` handshakes have entered in one turn of the event loop, these, and those begun."""
    queue = HandshakeQueue(most)
    begun: list[Handshake] = []
    handshakes = [Handshake(begun) for _ in range(count)]
    for handshake in handshakes:
        queue.enter(handshake)
    await asyncio.sleep(0)
    return queue, handshakes, begun


async def test_queue_begins_at_most_so_many_and_the_others_in_order():
    queue, handshakes, begun = await queue_with(most=2, count=5)
    assert begun == handshakes[:2]
    assert queue.waiting == 3
    queue.leave(handshakes[1])
    await asyncio.sleep(0)
    assert begun == handshakes[:3]
    assert handshakes[1] not in queue
    assert all(handshake in queue for handshake in (handshakes[0], *handshakes[2:]))


async def test_handshake_that_leaves_while_it_waits_is_never_begun():
    queue, (first, leaving, last), begun = await queue_with(most=1, count=3)
    # Both leave in one turn of the event loop, the one in progress first.
    queue.leave(first)
    queue.leave(leaving)
    await asyncio.sleep(0)
    assert begun == [first, last]


async def test_leave_of_a_foreign_handshake_begins_no_other():
    queue, (first, _), begun = await queue_with(most=1, count=2)
    queue.leave(Handshake(begun))
    await asyncio.sleep(0)
    assert begun == [first]

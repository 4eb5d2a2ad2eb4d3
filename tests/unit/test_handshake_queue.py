import asyncio

from ws.handshake_queue import HandshakeQueue


class Opening:
    def __init__(self, begun: list["Opening"]) -> None:
        self._begun = begun

    def begin_handshake(self) -> None:
        self._begun.append(self)


async def test_as_many_as_may_be_at_a_time_and_the_others_in_their_order():
    queue, begun = HandshakeQueue(2), []
    openings = [Opening(begun) for _ in range(5)]
    for opening in openings:
        queue.enter(opening)
    await asyncio.sleep(0)
    assert begun == openings[:2]
    assert queue.waiting == 3
    queue.leave(openings[1])
    await asyncio.sleep(0)
    assert begun == openings[:3]
    assert openings[1] not in queue
    assert all(opening in queue for opening in (openings[0], *openings[2:]))


async def test_who_leaves_while_it_waits_is_never_begun():
    queue, begun = HandshakeQueue(1), []
    first, leaving, last = (Opening(begun) for _ in range(3))
    for opening in (first, leaving, last):
        queue.enter(opening)
    await asyncio.sleep(0)
    # Both ends are read in one turn of the event loop, the one whose place becomes free first.
    queue.leave(first)
    queue.leave(leaving)
    await asyncio.sleep(0)
    assert begun == [first, last]


async def test_who_is_not_in_it_gives_nobody_a_place():
    queue, begun = HandshakeQueue(1), []
    openings = [Opening(begun) for _ in range(2)]
    for opening in openings:
        queue.enter(opening)
    await asyncio.sleep(0)
    queue.leave(Opening(begun))
    await asyncio.sleep(0)
    assert begun == openings[:1]

import asyncio

from channels_live.hub.gradual_close import GradualClose


class Socket:
    code: int | None = None

    def close_gracefully(self, code: int) -> None:
        self.code = code


async def test_many_sockets_are_closed_in_turns_and_all_of_them():
    sockets = [Socket() for _ in range(12)]
    subject = GradualClose(1012, closes_per_second=100)
    subject.add(sockets[:8])
    subject.add(sockets[8:])
    await asyncio.sleep(0)
    assert [socket.code for socket in sockets] == [1012] * 5 + [None] * 7
    async with asyncio.timeout(5):
        while sockets[-1].code is None:  # noqa: ASYNC110  # they tell nobody
            await asyncio.sleep(0.01)
    assert {socket.code for socket in sockets} == {1012}

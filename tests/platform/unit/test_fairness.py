"""What one client sends at once takes no more of a ws process than its share."""

from tests.support.protocol_script import run

TURNS = """
order = []
async def main():
    async def of_many(message):
        order.append("many")
    async def of_one(message):
        order.append("one")
    many, one = opened(of_many), opened(of_one)
    many.dataReceived(messages(500))
    assert len(many.inbox) == 32, len(many.inbox)
    assert many.transport.producerState == "paused"
    await asyncio.sleep(0)
    one.dataReceived(messages(1))
    while len(order) < 501:
        await asyncio.sleep(0)
    assert order.index("one") <= 4, order.index("one")
    assert many.transport.producerState == "producing"
twisted_loop.run_until_complete(main())
"""

WORK = """
numbers, done = [], []
async def main():
    may_end = asyncio.Event()
    async def answer(number):
        await may_end.wait()
        done.append(number)
    async def handler(message):
        numbers.append(int(message["text"]))
        protocol.start(answer(numbers[-1]))
    protocol = opened(handler)
    protocol.dataReceived(messages(100))
    for _ in range(1000):
        await asyncio.sleep(0)
    assert numbers == [*range(8)], numbers
    may_end.set()
    while len(done) < 100:
        await asyncio.sleep(0)
    assert done == [*range(100)]
twisted_loop.run_until_complete(main())
"""


def test_another_client_has_its_turn_while_one_has_sent_much():
    run(TURNS)


def test_a_client_whose_answers_are_on_their_way_waits_before_it_is_heard_again():
    run(WORK)

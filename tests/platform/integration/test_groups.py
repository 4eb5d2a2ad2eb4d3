"""The consumers of Channels under our names, on real ws processes with a real Redis: what a team may rely on."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Iterator

import pytest
from channels_redis.pubsub import RedisPubSubChannelLayer
from websockets.exceptions import InvalidHandshake

from deploy.local import Process, Stack
from tests.support.feed_stack import FeedStack
from tests.support.limits import NO_LIMITS
from tests.support.raw_sockets import connect_with_small_buffer, handshake, masked, metric, read_until
from tests.support.rooms import RoomMember, member, members

OURS = ["async", "sync"]
ALL = [*OURS, "stock-async", "stock-sync"]
PREFIX = "groups"


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    environment = {**NO_LIMITS, "CHANNEL_PREFIX": PREFIX, "DRAIN_SECONDS": "0"}
    with FeedStack(tmp_path_factory.mktemp("groups"), ws_processes=2, environment=environment) as stack:
        yield stack


@pytest.fixture
def ws(stack: Stack) -> Process:
    return stack.process("ws-1")


@pytest.fixture
def other(stack: Stack) -> Process:
    """Another process."""
    return stack.process("ws-2")


@pytest.fixture
def room() -> str:
    return f"room-{os.urandom(4).hex()}"


async def texts(listener: RoomMember, number: int) -> list[str]:
    return [(await listener.next())["text"] for _ in range(number)]


@pytest.mark.parametrize("kind", ALL)
async def test_group_send_reaches_members_of_all_processes_in_order(ws, other, room, kind):
    async with member(ws, kind, room) as speaker, member(ws, kind, room) as near, member(other, kind, room) as far:
        await speaker.order(many=300)
        for listener in (speaker, near, far):
            assert await texts(listener, 300) == [f"{number}" for number in range(300)]


@pytest.mark.parametrize("kind", ALL)
async def test_channel_name_is_an_address_for_other_processes(ws, other, room, kind):
    async with member(ws, kind, room) as addressee, member(other, kind, f"{room}-other") as speaker:
        address = (await addressee.do(address=None))["address"]
        await speaker.order(tell=[address, "for you"])
        assert (await addressee.next())["text"] == "for you"


@pytest.fixture
async def plain_layer(stack: Stack) -> AsyncIterator[RedisPubSubChannelLayer]:
    """The layer of channels-redis itself, in a process that has nothing of ours."""
    layer = RedisPubSubChannelLayer(hosts=[stack.environment["REDIS_URL"]], prefix=f"{PREFIX}:asgi")
    yield layer
    await layer.flush()


@pytest.mark.parametrize("kind", OURS)
async def test_plain_channels_redis_sends_to_groups_and_channels(plain_layer, ws, room, kind):
    async with member(ws, kind, room) as listener:
        await plain_layer.group_send(room, {"type": "room.said", "text": "to the group"})
        assert (await listener.next())["text"] == "to the group"
        address = (await listener.do(address=None))["address"]
        await plain_layer.send(f"{PREFIX}:{address}", {"type": "room.said", "text": "to the channel"})
        assert (await listener.next())["text"] == "to the channel"


@pytest.mark.parametrize("kind", OURS)
async def test_a_member_that_leaves_is_in_no_group_any_more(ws, room, kind):
    async with member(ws, kind, room) as stays:
        async with member(ws, kind, room) as leaves:
            await leaves.do(address=None)
        assert (await stays.next())["text"] == "left with 1000"
        await stays.order(say="still here")
        assert (await stays.next())["text"] == "still here"


@pytest.mark.parametrize("kind", OURS)
async def test_context_of_a_consumer_lasts_and_is_not_shared(ws, room, kind):
    async with member(ws, kind, room) as first, member(ws, kind, room) as second:
        await first.order(language="de")
        await second.order(language="fr")
        await first.settled()
        await second.settled()
        async with member(ws, kind, room) as speaker:
            await speaker.order(say="hello")
            assert (await first.next())["language"] == "de"
            assert (await second.next())["language"] == "fr"
            assert (await speaker.next())["language"] == "ja"


@pytest.mark.parametrize("kind", OURS)
async def test_a_handler_that_changes_its_event_changes_no_other_member_s(ws, room, kind):
    async with members(ws, kind, room, 3) as changing:
        for each in changing:
            await each.order(on_said="change")
            await each.settled()
        await changing[0].order(say="original")
        for each in changing:
            assert (await each.next()).items() >= {"text": "original!", "by": "a member!"}.items()


@pytest.mark.parametrize("kind", OURS)
async def test_a_handler_that_waits_holds_up_its_own_member_only(ws, room, kind):
    async with members(ws, kind, room, 20) as everyone:
        slow = everyone[::2]
        for each in slow:
            await each.order(on_said=3600.0 if kind == "async" else 2.0)
            await each.settled()
        await everyone[1].order(say="hello")
        for each in everyone[1::2]:
            assert (await each.next())["text"] == "hello"


@pytest.mark.parametrize("kind", OURS)
async def test_events_of_a_busy_member_are_handled_afterwards_in_order(ws, room, kind):
    async with member(ws, kind, room) as busy, member(ws, kind, room) as speaker:
        await busy.order(on_said=0.01)
        await busy.settled()
        await speaker.order(many=50)
        await busy.order(say="asked meanwhile")
        received = await texts(busy, 51)
        assert [text for text in received if text != "asked meanwhile"] == [f"{number}" for number in range(50)]


@pytest.mark.parametrize("kind", OURS)
async def test_an_exception_in_an_event_s_handler_closes_that_socket_only(ws, room, kind):
    async with members(ws, kind, room, 3) as [first, failing, last]:
        await failing.order(on_said="raise")
        await failing.settled()
        await first.order(say="hello")
        assert await failing.closed() == 1011
        for each in (first, last):
            assert await texts(each, 2) == ["hello", "left with 1011"]


@pytest.mark.parametrize("kind", ["failing", "failing-sync"])
async def test_an_exception_in_connect_after_accept_is_followed_by_disconnect(ws, room, kind):
    async with member(ws, "async", room) as other, member(ws, kind, room) as failing:
        assert await failing.closed() == 1011
        assert await texts(other, 1) == ["left with 1011"]


@pytest.mark.parametrize("kind", OURS)
async def test_an_exception_in_receive_closes_that_socket_only(ws, room, kind):
    async with members(ws, kind, room, 2) as [failing, other]:
        await failing.order(**{"raise": None})
        assert await failing.closed() == 1011
        assert await texts(other, 1) == ["left with 1011"]


@pytest.mark.parametrize("what", ["own task", "other task"])
async def test_receive_that_is_cancelled_closes_that_socket_only(ws, room, what):
    async with members(ws, "async", room, 2) as [cancelling, other]:
        await cancelling.order(cancel=what)
        assert await cancelling.closed() == 1011
        assert await texts(other, 1) == ["left with 1011"]


async def test_receive_that_is_cancelled_inside_a_middleware_closes_its_socket(ws, room):
    async with member(ws, "shouted", room) as cancelling:
        await cancelling.order(cancel="other task")
        assert await cancelling.closed() == 1011


async def test_a_handler_that_cancels_its_task_ends_its_own_consumer_only(ws, room):
    async with members(ws, "async", room, 3) as [first, cancelling, last]:
        await cancelling.order(on_said="cancel")
        await cancelling.settled()
        await first.order(say="hello")
        assert await cancelling.closed() == 1011
        for each in (first, last):
            assert await texts(each, 2) == ["hello", "left with 1011"]


async def test_asyncio_timeout_works_in_handlers_of_many_members_at_once(ws, room):
    async with members(ws, "async", room, 10) as everyone:
        for each in everyone:
            await each.order(on_said="timeout")
            await each.settled()
        await everyone[0].order(say="hello")
        for each in everyone:
            assert await each.next() == {"text": "timed out"}


@pytest.mark.parametrize("kind", OURS)
async def test_stop_consumer_closes_the_socket(ws, room, kind):
    async with members(ws, kind, room, 2) as [stopping, other]:
        await stopping.order(on_said="stop")
        await stopping.settled()
        await other.order(say="hello")
        assert await stopping.closed() == 1000
        await other.order(say="again")
        # StopConsumer ends it without ``disconnect``, as in Channels.
        assert await texts(other, 2) == ["hello", "again"]


@pytest.mark.parametrize("kind", ALL)
async def test_code_and_reason_of_close_reach_the_client(ws, room, kind):
    async with member(ws, kind, room) as closing:
        await closing.order(close=[4321, "enough"])
        assert await closing.closed() == 4321
        assert closing.connection.close_reason == "enough"


@pytest.mark.parametrize("kind", ALL)
async def test_the_scope_is_there_as_long_as_the_consumer(ws, room, kind):
    async with member(ws, kind, room) as asking:
        assert (await asking.do(path=None))["path"] == f"/ws/groups/{kind}/{room}/"


async def test_a_handler_that_hangs_does_not_keep_its_consumer(ws, room):
    async with member(ws, "async", room) as speaker:
        async with member(ws, "async", room) as hanging, member(ws, "async", room) as receiving:
            await hanging.order(on_said="hang")
            await hanging.settled()
            await receiving.order(hang=None)
            await speaker.order(say="hello")
            assert (await speaker.next())["text"] == "hello"
        assert await texts(speaker, 2) == ["left with 1000"] * 2


async def test_synchronous_handlers_have_threads_of_their_own(ws, room):
    async with member(ws, "sync", room) as asking:
        assert (await asking.do(thread=None))["thread"].startswith("consumer")


@pytest.mark.parametrize("kind", OURS)
async def test_a_client_that_does_not_read_is_closed_with_1013_and_the_others_get_all(ws, room, kind):
    before = metric(ws.url, "websocket_slow_closed_total")
    async with (
        member(ws, kind, room) as reader,
        member(ws, kind, room, max_queue=1) as silent,
    ):
        text = "x" * 60_000
        for number in range(100):
            await reader.order(say=f"{number} {text}")
            assert (await reader.next())["text"].startswith(f"{number} ")
            if metric(ws.url, "websocket_slow_closed_total") > before:
                break
        else:
            raise AssertionError("the silent member was not closed")
        silent.connection.transport.abort()


@pytest.mark.parametrize("kind", OURS)
async def test_a_handler_may_send_more_than_a_client_s_buffer_holds(ws, room, kind):
    """Only its first frame does not wait: the client reads, so it is not slow."""
    async with member(ws, kind, room) as reader:
        await reader.order(on_said=["send", 100, 60_000])
        await reader.settled()
        await reader.order(say="now")
        for _ in range(100):
            assert len(await reader.connection.recv()) == 60_000
        assert (await reader.next())["text"] == "now"


async def test_too_many_events_for_a_busy_consumer_close_its_socket_with_1013(plain_layer, ws, room):
    before = metric(ws.url, "consumer_overloaded_closed_total")
    async with members(ws, "async", room, 2) as [busy, listener]:
        await busy.order(on_said=3600.0)
        await busy.settled()
        for number in range(1100):
            await plain_layer.group_send(room, {"type": "room.said", "text": f"{number}"})
        assert await busy.closed() == 1013
        assert await texts(listener, 1100) == [f"{number}" for number in range(1100)]
    assert metric(ws.url, "consumer_overloaded_closed_total") == before + 1


async def test_a_handshake_may_be_accepted_by_a_later_handler(ws, room):
    async def enter_and_receive() -> None:
        async with member(ws, "late", room) as late:
            await late.receive(text="come in")

    async with member(ws, "async", room) as speaker:
        entering = asyncio.ensure_future(enter_and_receive())
        while not entering.done():
            await speaker.order(say="come in")
            await speaker.next()
        await entering


async def test_the_first_message_after_a_late_accept_is_not_the_last(ws, room):
    def enter_and_order_at_once() -> socket.socket:
        # What comes before the handshake is answered is there as soon as it is accepted.
        line = connect_with_small_buffer(ws.url)
        order = masked(b'{"path": null}')
        line.sendall(handshake(ws.url, room, path="/ws/groups/late/") + order)
        data = read_until(line, b'"path"')
        # The consumer still answers.
        line.sendall(order)
        if data.count(b'"path"') < 2:
            read_until(line, b'"path"')
        return line

    async with member(ws, "async", room) as speaker:
        entering = asyncio.ensure_future(asyncio.to_thread(enter_and_order_at_once))
        while not entering.done():
            await speaker.order(say="come in")
            await speaker.next()
        (await entering).close()
        assert (await speaker.receive(text="left with 1006"))["text"] == "left with 1006"


@pytest.mark.parametrize("kind", ["hasty", "hasty-sync"])
async def test_send_before_accept_raises_as_in_daphne(ws, room, kind):
    async with member(ws, kind, room) as hasty:
        assert (await hasty.next())["error"] == "Socket has not been accepted, so cannot send over it"


@pytest.mark.parametrize("kind", OURS)
async def test_a_disconnect_does_not_wait_for_the_events_that_are_queued(ws, room, kind):
    async with member(ws, kind, room) as speaker:
        async with member(ws, kind, room) as slow:
            await slow.order(on_said=1.0)
            await slow.settled()
            await speaker.order(many=60)
            assert await texts(speaker, 60) == [f"{number}" for number in range(60)]
        # Their handlers would take a minute.
        assert (await speaker.next())["text"].startswith("left with ")


async def test_a_handshake_that_nobody_accepts_ends(ws, room):
    with pytest.raises(InvalidHandshake):
        async with asyncio.timeout(30), member(ws, "late", room, open_timeout=30):
            pass


async def test_a_middleware_sees_its_application_return_with_the_socket(ws, room):
    async with member(ws, "counted", room) as first:
        assert (await first.do(inside=None))["inside"] == 1
        async with member(ws, "counted", room) as second:
            assert (await second.do(inside=None))["inside"] == 2
        assert (await first.receive(text="left with 1000"))["text"] == "left with 1000"
        while (await first.do(inside=None))["inside"] != 1:
            pass


async def test_a_consumer_that_stops_closes_through_its_own_send(ws, room):
    async with member(ws, "beside", room) as speaker:
        await speaker.settled()
        await speaker.order(say="hello")
        assert {(await speaker.next())["text"] for _ in range(2)} == {"hello", "the other has closed"}
        await speaker.order(say="again")
        assert (await speaker.next())["text"] == "again"


@pytest.mark.parametrize("kind", ["shouted", "shouted-sync"])
async def test_a_middleware_may_wrap_receive_and_send(ws, room, kind):
    async with member(ws, kind, room) as speaker:
        await speaker.order(whisper="hello")
        assert (await speaker.next())["TEXT"] == "HELLO"


@pytest.mark.parametrize("kind", ["marked", "marked-sync"])
async def test_a_middleware_may_wrap_send_alone(ws, room, kind):
    async with member(ws, kind, room) as speaker:
        assert (await speaker.do(path=None))["path"] == f"/ws/groups/{kind}/{room}/"
        await speaker.order(say="hello")
        assert (await speaker.next())["text"] == "HELLO"
        await speaker.order(close=[4321, "enough"])
        assert await speaker.closed() == 4321


@pytest.mark.parametrize("kind", OURS)
async def test_events_and_frames_are_counted(ws, room, kind):
    names = ["consumer_events_total", "websocket_frames_sent_total", "websocket_frames_received_total"]
    async with members(ws, kind, room, 3) as everyone:
        before = [metric(ws.url, name) for name in names]
        await everyone[0].order(say="hello")
        for each in everyone:
            await each.next()
        # Counted by the end of the turn in which they were handled.
        while metric(ws.url, names[0]) < before[0] + 3:
            pass
        counted = [metric(ws.url, name) - count for name, count in zip(names, before, strict=True)]
    assert counted == [3, 3, 1]

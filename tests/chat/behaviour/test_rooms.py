"""The tutorial's protocol, to the letter."""

import json
from contextlib import AsyncExitStack

import pytest
from websockets.exceptions import ConnectionClosed


async def test_everyone_in_the_room_gets_a_message_and_nothing_else(join, room):
    async with join(room) as alice, join(room) as bob:
        await alice.say("hello")
        assert await alice.receive() == {"message": "hello"}
        assert await bob.receive() == {"message": "hello"}
        await bob.say("こんにちは 👋")
        assert await alice.receive() == {"message": "こんにちは 👋"}
        assert await bob.receive() == {"message": "こんにちは 👋"}


async def test_a_message_is_heard_by_every_process(join, room):
    """least_conn spreads eight sockets over all ws processes."""
    async with AsyncExitStack() as stack:
        members = [await stack.enter_async_context(join(room)) for _ in range(8)]
        for number, speaker in enumerate(members):
            await speaker.say(str(number))
            for member in members:
                assert await member.receive() == {"message": str(number)}


async def test_rooms_never_mix(join, room):
    async with join(room) as alice, join(f"{room}-other") as stranger:
        for number in range(20):
            await alice.say(str(number))
        for number in range(20):
            assert await alice.receive() == {"message": str(number)}
        await stranger.say("mine")
        # Had anything crossed, it would have come first.
        assert await stranger.receive() == {"message": "mine"}


@pytest.mark.parametrize("name", ["my-room", "雑談", "สวัสดี", "x" * 64, "A_1-ß"])
async def test_room_names_of_any_script(join, name):
    async with join(name) as alice, join(name) as bob:
        await alice.say("hi")
        assert await bob.receive() == {"message": "hi"}


async def test_composed_and_decomposed_names_are_one_room(join, room):
    async with join(f"ガ{room}") as alice, join(f"カ\u3099{room}") as bob:
        await alice.say("hi")
        assert await bob.receive() == {"message": "hi"}


@pytest.mark.parametrize("name", ["", "a b", "x" * 65, "a.b", "a/b", "🙂"])
async def test_no_such_room_closes_with_4404(join, name):
    async with join(name) as member:
        with pytest.raises(ConnectionClosed) as closed:
            await member.receive()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 4404


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        ("not json", "invalid_json"),
        ("[" * 60000, "invalid_json"),
        ('["message"]', "invalid_message"),
        ("{}", "invalid_message"),
        ('{"message": 1}', "invalid_message"),
        ('{"message": null}', "invalid_message"),
        ('{"message": "\\ud800"}', "invalid_message"),
        (json.dumps({"message": "x" * 4001}), "too_long"),
        ('{"message": ""}', "empty"),
        (json.dumps({"message": " \n\0\u200b"}), "empty"),
        (b'{"message": "bytes"}', "text_expected"),
    ],
)
async def test_bad_input_is_answered_to_its_sender_alone_and_the_socket_lives(join, room, frame, code):
    async with join(room) as alice, join(room) as bob:
        await alice.socket.send(frame)
        error = (await alice.receive())["error"]
        assert error["code"] == code
        assert error["detail"]
        await alice.say("still here")
        assert await alice.receive() == {"message": "still here"}
        assert await bob.receive() == {"message": "still here"}


@pytest.mark.parametrize("text", ["x" * 4000, "<b>&</b>", "a\nb"])
async def test_any_text_comes_back_as_it_was(join, room, text):
    async with join(room) as alice:
        await alice.say(text)
        assert await alice.receive() == {"message": text}


async def test_what_the_tutorial_ignores_is_ignored(join, room):
    async with join(room) as alice:
        await alice.socket.send('{"message": "hello", "more": 1}')
        assert await alice.receive() == {"message": "hello"}


@pytest.mark.parametrize(
    ("text", "stored"),
    [("a\0\x1b[1mb\r\n", "a[1mb\n"), ("カ\u3099", "ガ"), ("\u202eevil", "\u202eevil\u202c")],
    ids=["control characters", "NFC", "bidi"],
)
async def test_a_text_that_would_do_something_is_passed_on_without_it(join, room, text, stored):
    async with join(room) as alice, join(room) as bob:
        await alice.say(text)
        assert await bob.receive() == {"message": stored}

"""Channels' own test tools on the chat's consumers, in the routing of ws."""

import pytest
from channels.testing import WebsocketCommunicator

pytestmark = pytest.mark.django_db(transaction=True)
HEADERS = [(b"host", b"localhost"), (b"origin", b"http://localhost")]


def communicator(path: str, *subprotocols: str) -> WebsocketCommunicator:
    from ws.asgi import application  # where Django is set up

    return WebsocketCommunicator(application, path, headers=HEADERS, subprotocols=list(subprotocols))


# Twice, because each test has an event loop of its own.
@pytest.mark.parametrize("time", [1, 2])
async def test_two_communicators_talk_in_a_room(time: int) -> None:
    alice, bob = communicator("/ws/chat/lobby/"), communicator("/ws/chat/lobby/", "chat.v1")
    assert await alice.connect() == (True, None)
    assert await bob.connect() == (True, "chat.v1")
    welcome = await bob.receive_json_from()
    assert (welcome["type"], welcome["room"]) == ("welcome", "lobby")
    await alice.send_json_to({"message": "hello"})
    assert await alice.receive_json_from() == {"message": "hello"}
    while (answer := await bob.receive_json_from())["type"] != "message":
        assert answer["type"] == "presence"
    assert answer["message"] == "hello"
    await bob.send_json_to({"type": "message", "id": "1", "message": "hi"})
    assert await alice.receive_json_from() == {"message": "hi"}
    await alice.disconnect()
    await bob.disconnect()


async def test_an_address_that_nobody_serves_is_accepted_and_closed() -> None:
    nowhere = communicator("/ws/nowhere/")
    assert await nowhere.connect() == (True, None)
    assert await nowhere.receive_output() == {"type": "websocket.close", "code": 4404}

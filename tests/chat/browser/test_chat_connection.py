"""The module chat/chat_connection.js against a scripted server; tests/platform/browser tests what it inherits."""

import pytest
from playwright.sync_api import Page

from tests.support.scripted_server import Window


class ChatWindow(Window):
    connection = """
      const { ChatConnection } = await import(`${statics}/chat/chat_connection.js`);
      window.connection = new ChatConnection(url, { after });
      const outboxOptions = { send: (item) => connection.sendMessage(item) };
    """


@pytest.fixture
def window(page: Page) -> Window:
    return ChatWindow(page)


def test_handshake_offers_chat_v1_and_the_welcome_names_the_visitor(window: Window) -> None:
    socket = window.start(after=17).socket()
    assert list(socket.protocols) == ["chat.v1"]
    assert socket.query == {"after": ["17"]}
    assert window.events("state") == []
    socket.send(type="welcome", room="lobby", you="alice", head=17, resumed_from=17)
    window.wait_events(1, "state")
    assert window.run("[connection.state, connection.you]") == ["online", "alice"]


def test_outbox_sends_messages(window: Window) -> None:
    socket = window.start().socket().welcome()
    one = window.add("one")
    assert window.received(socket, 1) == [{"type": "message", "id": one, "message": "one"}]
    socket.send(type="message", seq=1, id=one, message="one", author="alice", sent_at="2026-11-23T10:00:00.000Z")
    assert window.wait_events(1, "sent") == [{"type": "sent", "id": one, "seq": 1}]
    assert [event["seq"] for event in window.events("message")] == [1]


def test_history_is_requested_as_soon_as_there_is_a_connection(window: Window) -> None:
    socket = window.start().socket()
    window.run("connection.history(51)")
    socket.welcome(head=99)
    assert window.received(socket, 1) == [{"type": "history", "before": 51, "limit": 50}]
    # The connection breaks before the answer.
    socket.close()
    window.wait_events(2, "state")
    window.pass_time(500)
    again = window.socket(2).welcome(head=99, resumed_from=99)
    assert window.received(again, 1) == [{"type": "history", "before": 51, "limit": 50}]
    again.send(type="history", messages=[{"seq": 50}], more=True)
    assert window.wait_events(1, "history") == [
        {"type": "history", "messages": [{"seq": 50}], "more": True, "before": 51}
    ]


def test_history_requested_at_the_welcome_is_answered_in_order(window: Window) -> None:
    socket = window.start().socket()
    window.run("connection.history(51)")
    window.run("{ connection.addEventListener('state', () => connection.history(11), { once: true }) }")
    socket.welcome(head=99)
    assert [frame["before"] for frame in window.received(socket, 2)] == [51, 11]


def test_history_refused_with_retry_after_is_requested_again(window: Window) -> None:
    socket = window.start().socket().welcome(head=99)
    window.wait_events(1, "state")
    window.run("connection.history(51)")
    window.received(socket, 1)
    socket.send(type="error", code="unavailable", detail="…", retry_after=2)
    socket.send(type="presence", count=1, members=[])
    window.wait_events(1, "presence")
    window.pass_time(1999)
    assert window.count("sent") == 1
    window.pass_time(1)
    assert [frame["before"] for frame in window.received(socket, 2)] == [51, 51]
    assert window.events("error") == []


def test_typing_is_sent_every_three_seconds_at_most_and_again_after_each_message(window: Window) -> None:
    socket = window.start().socket().welcome()
    window.wait_events(1, "state")
    window.run("connection.sendTyping()")
    window.run("connection.sendTyping()")
    window.pass_time(2999)
    window.run("connection.sendTyping()")
    window.pass_time(1)
    window.run("connection.sendTyping()")
    window.run("connection.sendMessage({ id: 'id', text: 'hello' })")
    window.run("connection.sendTyping()")
    window.run("connection.sendMessage({ id: 'id', text: 'the last' })")
    sent = [frame["type"] for frame in window.received(socket, 5)]
    assert sent == ["typing", "typing", "message", "typing", "message"]


@pytest.mark.parametrize(
    "frame",
    [
        {"type": "removed", "seq": 1},
        {"type": "presence", "count": 2, "members": ["alice", "bob"]},
        {"type": "typing", "author": "bob"},
        {"type": "error", "code": "too_long", "detail": "…", "id": "a"},
    ],
    ids=lambda frame: frame["type"],
)
def test_other_frames_are_events_of_their_type(window: Window, frame: dict) -> None:
    window.start().socket().welcome().send(**frame)
    assert window.wait_events(1, frame["type"]) == [frame]

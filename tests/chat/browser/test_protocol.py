"""The module chat_connection.js against a scripted server."""

import pytest
from playwright.sync_api import Page

from tests.chat.browser.scripted_server import Window


@pytest.fixture
def window(page: Page, room: str) -> Window:
    return Window(page, room)


def test_it_speaks_chat_v1_and_says_where_it_stands(window: Window) -> None:
    socket = window.start(after=17).socket()
    assert list(socket.protocols) == ["chat.v1"]
    assert socket.query == {"after": ["17"]}
    assert window.events("state") == []
    socket.welcome(head=17, resumed_from=17)
    window.wait_events(1, "state")
    assert window.run("[connection.state, connection.you]") == ["online", "alice"]


def test_without_a_number_it_begins_at_the_head(window: Window) -> None:
    socket = window.start().socket()
    assert socket.query == {}
    socket.welcome(head=5)
    socket.message(6)
    assert [event["seq"] for event in window.wait_events(1, "message")] == [6]
    socket.close()
    window.pass_time(500)
    assert window.socket(2).query == {"after": ["6"]}


def test_every_message_once_in_order_across_a_reconnect(window: Window) -> None:
    socket = window.start(after=0).socket().welcome(head=2, resumed_from=0)
    for seq in (1, 2, 2, 1, 3):
        socket.message(seq)
    window.wait_events(3, "message")
    socket.close()
    window.wait_events(2, "state")
    window.pass_time(500)
    again = window.socket(2)
    assert again.query == {"after": ["3"]}
    again.welcome(head=5, resumed_from=3)
    for seq in (3, 4, 5, 6):
        again.message(seq)
    assert [event["seq"] for event in window.wait_events(6, "message")] == [1, 2, 3, 4, 5, 6]
    assert [event["state"] for event in window.events("state")] == ["online", "reconnecting", "online"]


def test_a_hole_makes_it_resume(window: Window) -> None:
    socket = window.start(after=0).socket().welcome()
    socket.message(1)
    socket.message(4)
    socket.message(5)
    window.wait_events(2, "state")
    window.pass_time(500)
    again = window.socket(2)
    assert socket.is_closed
    assert again.query == {"after": ["1"]}
    again.welcome(head=5, resumed_from=1)
    for seq in (2, 3, 4, 5):
        again.message(seq)
    assert [event["seq"] for event in window.wait_events(5, "message")] == [1, 2, 3, 4, 5]


def test_a_hole_that_the_server_cannot_fill_is_passed(window: Window) -> None:
    window.start(after=1).socket().welcome(head=4, resumed_from=1).message(4)
    window.wait_events(2, "state")
    window.pass_time(500)
    window.socket(2).welcome(head=4, resumed_from=1).message(4)
    assert [event["seq"] for event in window.wait_events(1, "message")] == [4]
    window.expect_no_socket(3, within=60_000)


def test_delays_double_up_to_the_longest(window: Window) -> None:
    window.start()
    for number, delay in enumerate([500, 1000, 2000, 4000, 8000, 16000, 20000, 20000], start=1):
        window.socket(number).close()
        window.wait(lambda number=number: window.count("closed") == number)
        window.expect_no_socket(number + 1, within=delay - 1)
        window.pass_time(1)
        window.socket(number + 1)


def test_jitter_is_full(window: Window) -> None:
    window.start().socket().welcome()
    window.wait_events(1, "state")
    window.run("Math.random = () => 0.01")
    window.socket().close()
    window.wait_events(2, "state")
    window.expect_no_socket(2, within=4)
    window.pass_time(1)
    window.socket(2)


@pytest.mark.parametrize(("online", "delay"), [(9_999, 1000), (10_000, 500)], ids=["not yet stable", "stable"])
def test_only_a_stable_connection_shortens_the_delay_again(window: Window, online: int, delay: int) -> None:
    window.start().socket().close()
    window.wait_events(1, "state")
    window.pass_time(500)
    window.socket(2).welcome()
    window.wait_events(2, "state")
    window.pass_time(online)
    window.socket(2).close()
    window.wait_events(3, "state")
    window.expect_no_socket(3, within=delay - 1)
    window.pass_time(1)
    window.socket(3)


@pytest.mark.parametrize(("code", "delay"), [(1012, 500), (1013, 8000)], ids=["restarting", "overloaded"])
def test_close_codes_that_ask_to_come_back(window: Window, code: int, delay: int) -> None:
    window.start().socket().close()
    window.wait_events(1, "state")
    window.pass_time(500)
    window.socket(2).welcome()
    window.wait_events(2, "state")
    window.socket(2).close(code)
    assert window.wait_events(3, "state")[-1] == {"type": "state", "state": "reconnecting", "code": code}
    window.expect_no_socket(3, within=delay - 1)
    window.pass_time(1)
    window.socket(3)


def test_a_login_that_ended_is_tried_again_at_once_and_once(window: Window) -> None:
    window.start().socket().welcome().close(4401)
    assert window.wait_events(2, "state")[-1] == {"type": "state", "state": "reconnecting", "code": 4401}
    window.pass_time(500)
    window.socket(2).welcome().close(4401)
    window.wait_events(4, "state")
    window.pass_time(500)
    # Refused at the door: nobody is logged in.
    window.socket(3).close(4401)
    assert window.wait_events(5, "state")[-1] == {"type": "state", "state": "closed", "code": 4401}
    window.expect_no_socket(4, within=600_000)


@pytest.mark.parametrize("code", [1008, 4403, 4404])
def test_close_codes_that_are_final(window: Window, code: int) -> None:
    window.start().socket().welcome().close(code)
    assert window.wait_events(2, "state")[-1] == {"type": "state", "state": "closed", "code": code}
    window.expect_no_socket(2, within=600_000)


def test_a_socket_without_a_welcome_is_given_up(window: Window) -> None:
    silent = window.start().socket()
    window.pass_time(15_000)
    window.wait_events(1, "state")
    window.pass_time(500)
    window.socket(2).welcome(head=1)
    window.wait_events(2, "state")
    # What the old one says late is not heard.
    silent.message(2)
    window.socket(2).message(2, "new")
    assert [event["id"] for event in window.wait_events(1, "message")] == ["new"]


def test_after_a_reset_messages_go_on_behind_the_head(window: Window) -> None:
    socket = window.start(after=900).socket().welcome(head=3, resumed_from=900)
    socket.send(type="reset", head=3)
    socket.message(4)
    assert [event["seq"] for event in window.wait_events(1, "message")] == [4]
    assert window.events("reset") == [{"type": "reset", "head": 3}]


def test_it_says_which_journal_its_number_is_of(window: Window) -> None:
    socket = window.start(after=3).socket()
    socket.send(type="welcome", room="lobby", you="alice", head=3, resumed_from=3, epoch="0123456789ab")
    window.wait_events(1, "state")
    socket.close(1012)
    window.wait_events(2, "state")
    window.pass_time(500)
    again = window.socket(2)
    assert again.query == {"after": ["3"], "epoch": ["0123456789ab"]}
    again.send(type="welcome", room="lobby", you="alice", head=2, resumed_from=3, epoch="ba9876543210")
    again.send(type="reset", head=2)
    again.message(3, "another")
    assert [event["id"] for event in window.wait_events(1, "message")] == ["another"]


def test_the_network_goes_and_comes_back(window: Window) -> None:
    socket = window.start().socket().welcome(head=7)
    window.wait_events(1, "state")
    window.page.context.set_offline(True)
    assert window.wait_events(2, "state")[-1]["state"] == "offline"
    window.wait(lambda: socket.is_closed)
    window.page.context.set_offline(False)
    assert window.wait_events(3, "state")[-1]["state"] == "reconnecting"
    window.pass_time(500)
    resumed = window.socket(2)
    assert resumed.query == {"after": ["7"]}
    resumed.welcome(head=7, resumed_from=7)
    assert window.wait_events(4, "state")[-1]["state"] == "online"


def test_close_and_connect_again(window: Window) -> None:
    socket = window.start().socket().welcome(head=2)
    window.wait_events(1, "state")
    window.run("connection.close()")
    assert window.wait_events(2, "state")[-1]["state"] == "closed"
    window.wait(lambda: socket.is_closed)
    window.expect_no_socket(2, within=600_000)
    window.run("connection.connect()")
    assert window.socket(2).query == {"after": ["2"]}


def test_history_is_asked_for_as_soon_as_there_is_a_connection(window: Window) -> None:
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


def test_history_that_listeners_ask_for_at_the_welcome_is_not_mixed_up(window: Window) -> None:
    socket = window.start().socket()
    window.run("connection.history(51)")
    window.run("{ connection.addEventListener('state', () => connection.history(11), { once: true }) }")
    socket.welcome(head=99)
    assert [frame["before"] for frame in window.received(socket, 2)] == [51, 11]


def test_history_that_the_database_could_not_answer_is_asked_for_again(window: Window) -> None:
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


def test_typing_is_sent_every_three_seconds_at_most_and_for_each_message(window: Window) -> None:
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
        {"type": "ack", "id": "a", "seq": 1},
        {"type": "removed", "seq": 1},
        {"type": "presence", "count": 2, "members": ["alice", "bob"]},
        {"type": "typing", "author": "bob"},
        {"type": "error", "code": "too_long", "detail": "…", "id": "a"},
        {"type": "error", "code": "unavailable", "detail": "…", "retry_after": 1},
    ],
    ids=lambda frame: frame["type"],
)
def test_other_frames_are_passed_on(window: Window, frame: dict) -> None:
    window.start().socket().welcome().send(**frame)
    assert window.wait_events(1, frame["type"]) == [frame]


def test_frames_that_a_later_server_may_send_do_no_harm(window: Window) -> None:
    socket = window.start().socket().welcome()
    socket.send(type="brand_new", anything=1)
    socket.message(1)
    assert [event["seq"] for event in window.wait_events(1, "message")] == [1]

"""The module channels_live/resumable_connection.js against a scripted server."""

import pytest
from playwright.sync_api import Page

from tests.support.scripted_server import Window


@pytest.fixture
def window(page: Page) -> Window:
    return Window(page)


def test_handshake_offers_the_subprotocol_and_resumes(window: Window) -> None:
    socket = window.start(after=17).socket()
    assert list(socket.protocols) == ["journal.v1"]
    assert socket.query == {"after": ["17"]}
    assert window.events("state") == []
    socket.welcome(head=17, resumed_from=17)
    window.wait_events(1, "state")
    assert window.run("[connection.state, connection.seq]") == ["online", 17]


def test_connection_without_after_begins_at_the_head(window: Window) -> None:
    socket = window.start().socket()
    assert socket.query == {}
    socket.welcome(head=5)
    socket.entry(6)
    assert [event["seq"] for event in window.wait_events(1, "entry")] == [6]
    socket.close()
    window.pass_time(500)
    assert window.socket(2).query == {"after": ["6"]}


def test_each_entry_is_one_event_in_order_across_a_reconnect(window: Window) -> None:
    socket = window.start(after=0).socket().welcome(head=2, resumed_from=0)
    for seq in (1, 2, 2, 1, 3):
        socket.entry(seq)
    window.wait_events(3, "entry")
    socket.close()
    window.wait_events(2, "state")
    window.pass_time(500)
    again = window.socket(2)
    assert again.query == {"after": ["3"]}
    again.welcome(head=5, resumed_from=3)
    for seq in (3, 4, 5, 6):
        again.entry(seq)
    assert [event["seq"] for event in window.wait_events(6, "entry")] == [1, 2, 3, 4, 5, 6]
    assert [event["state"] for event in window.events("state")] == ["online", "reconnecting", "online"]


def test_gap_makes_it_resume(window: Window) -> None:
    socket = window.start(after=0).socket().welcome()
    socket.entry(1)
    socket.entry(4)
    socket.entry(5)
    window.wait_events(2, "state")
    window.pass_time(500)
    again = window.socket(2)
    assert socket.is_closed
    assert again.query == {"after": ["1"]}
    again.welcome(head=5, resumed_from=1)
    for seq in (2, 3, 4, 5):
        again.entry(seq)
    assert [event["seq"] for event in window.wait_events(5, "entry")] == [1, 2, 3, 4, 5]


def test_gap_that_the_server_cannot_fill_is_skipped(window: Window) -> None:
    window.start(after=1).socket().welcome(head=4, resumed_from=1).entry(4)
    window.wait_events(2, "state")
    window.pass_time(500)
    window.socket(2).welcome(head=4, resumed_from=1).entry(4)
    assert [event["seq"] for event in window.wait_events(1, "entry")] == [4]
    window.expect_no_socket(3, within=60_000)


def test_reconnect_delay_doubles_up_to_20_seconds(window: Window) -> None:
    window.start()
    for number, delay in enumerate([500, 1000, 2000, 4000, 8000, 16000, 20000, 20000], start=1):
        window.socket(number).close()
        window.wait(lambda number=number: window.count("closed") == number)
        window.expect_no_socket(number + 1, within=delay - 1)
        window.pass_time(1)
        window.socket(number + 1)


def test_reconnect_delay_has_full_jitter(window: Window) -> None:
    window.start().socket().welcome()
    window.wait_events(1, "state")
    window.run("Math.random = () => 0.01")
    window.socket().close()
    window.wait_events(2, "state")
    window.expect_no_socket(2, within=4)
    window.pass_time(1)
    window.socket(2)


@pytest.mark.parametrize(("online", "delay"), [(9_999, 1000), (10_000, 500)], ids=["not yet stable", "stable"])
def test_stable_connection_resets_the_reconnect_delay(window: Window, online: int, delay: int) -> None:
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
def test_close_codes_after_which_it_reconnects(window: Window, code: int, delay: int) -> None:
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


def test_login_required_is_retried_once(window: Window) -> None:
    window.start().socket().welcome().close(4401)
    assert window.wait_events(2, "state")[-1] == {"type": "state", "state": "reconnecting", "code": 4401}
    window.pass_time(500)
    window.socket(2).welcome().close(4401)
    window.wait_events(4, "state")
    window.pass_time(500)
    # Refused at the handshake: nobody is logged in.
    window.socket(3).close(4401)
    assert window.wait_events(5, "state")[-1] == {"type": "state", "state": "closed", "code": 4401}
    window.expect_no_socket(4, within=600_000)


@pytest.mark.parametrize("code", [1008, 4403, 4404])
def test_close_codes_after_which_it_stays_closed(window: Window, code: int) -> None:
    window.start().socket().welcome().close(code)
    assert window.wait_events(2, "state")[-1] == {"type": "state", "state": "closed", "code": code}
    window.expect_no_socket(2, within=600_000)


def test_socket_without_a_welcome_is_replaced(window: Window) -> None:
    silent = window.start().socket()
    window.pass_time(15_000)
    window.wait_events(1, "state")
    window.pass_time(500)
    window.socket(2).welcome(head=1)
    window.wait_events(2, "state")
    # A late frame of the old one is ignored.
    silent.entry(2)
    window.socket(2).entry(2, "new")
    assert [event["id"] for event in window.wait_events(1, "entry")] == ["new"]


def test_entries_continue_after_the_head_of_a_reset(window: Window) -> None:
    socket = window.start(after=900).socket().welcome(head=3, resumed_from=900)
    socket.send(type="reset", head=3)
    socket.entry(4)
    assert [event["seq"] for event in window.wait_events(1, "entry")] == [4]
    assert window.events("reset") == [{"type": "reset", "head": 3}]


def test_reconnect_sends_the_epoch_of_its_number(window: Window) -> None:
    socket = window.start(after=3).socket()
    socket.send(type="welcome", stream="lobby", head=3, resumed_from=3, epoch="0123456789ab")
    window.wait_events(1, "state")
    socket.close(1012)
    window.wait_events(2, "state")
    window.pass_time(500)
    again = window.socket(2)
    assert again.query == {"after": ["3"], "epoch": ["0123456789ab"]}
    again.send(type="welcome", stream="lobby", head=2, resumed_from=3, epoch="ba9876543210")
    again.send(type="reset", head=2)
    again.entry(3, "another")
    assert [event["id"] for event in window.wait_events(1, "entry")] == ["another"]


def test_offline_closes_the_socket_and_online_reconnects(window: Window) -> None:
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


def test_connect_after_close_resumes(window: Window) -> None:
    socket = window.start().socket().welcome(head=2)
    window.wait_events(1, "state")
    window.run("connection.close()")
    assert window.wait_events(2, "state")[-1]["state"] == "closed"
    window.wait(lambda: socket.is_closed)
    window.expect_no_socket(2, within=600_000)
    window.run("connection.connect()")
    assert window.socket(2).query == {"after": ["2"]}


@pytest.mark.parametrize(
    "frame",
    [
        {"type": "ack", "id": "a", "seq": 1},
        {"type": "presence", "count": 2},
        {"type": "error", "code": "too_long", "detail": "…", "id": "a"},
        {"type": "error", "code": "unavailable", "detail": "…", "retry_after": 1},
    ],
    ids=lambda frame: frame["type"],
)
def test_other_frames_are_events_of_their_type(window: Window, frame: dict) -> None:
    window.start().socket().welcome().send(**frame)
    assert window.wait_events(1, frame["type"]) == [frame]


def test_unknown_frames_are_ignored(window: Window) -> None:
    socket = window.start().socket().welcome()
    socket.send(type="brand_new", anything=1)
    socket.entry(1)
    assert [event["seq"] for event in window.wait_events(1, "entry")] == [1]

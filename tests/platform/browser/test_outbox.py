"""The module channels_live/outbox.js against a scripted server."""

import pytest
from playwright.sync_api import Page

from tests.support.scripted_server import Socket, Window


@pytest.fixture
def window(page: Page) -> Window:
    return Window(page)


def come_back(window: Window, number: int) -> Socket:
    """Cut the newest connection, and welcome the window on its n-th."""
    states = len(window.events("state"))
    window.sockets[-1].close(1012)
    window.wait_events(states + 1, "state")
    window.pass_time(500)
    return window.socket(number).welcome()


def ids(frames: list[dict]) -> list[str]:
    return [frame["id"] for frame in frames]


def test_entries_wait_for_the_connection_and_are_sent_one_by_one(window: Window) -> None:
    socket = window.start().socket()
    one, two = window.add("one"), window.add("two")
    assert len({one, two}) == 2
    assert max(len(one), len(two)) <= 64
    socket.welcome()
    assert window.received(socket, 1) == [{"type": "entry", "id": one, "text": "one"}]
    socket.send(type="ack", id=one, seq=1)
    assert window.received(socket, 2)[1:] == [{"type": "entry", "id": two, "text": "two"}]
    socket.send(type="ack", id=two, seq=2)
    assert window.wait_events(2, "sent") == [
        {"type": "sent", "id": one, "seq": 1},
        {"type": "sent", "id": two, "seq": 2},
    ]
    assert window.count("sent") == 2
    assert window.stored() == []


def test_unacknowledged_entry_is_sent_again_under_the_same_id(window: Window) -> None:
    first = window.start().socket().welcome()
    one, two = window.add("one"), window.add("two")
    window.received(first, 1)
    second = come_back(window, 2)
    assert ids(window.received(second, 1)) == [one]
    second.send(type="ack", id=one, seq=1)
    assert ids(window.received(second, 2)) == [one, two]
    third = come_back(window, 3)
    assert ids(window.received(third, 1)) == [two]


def test_received_entry_of_its_id_is_an_acknowledgement(window: Window) -> None:
    socket = window.start().socket().welcome()
    one = window.add("one")
    window.received(socket, 1)
    socket.entry(1, one)
    assert window.wait_events(1, "sent") == [{"type": "sent", "id": one, "seq": 1}]
    socket.send(type="ack", id=one, seq=1)
    two = window.add("two")
    assert ids(window.received(socket, 2)) == [one, two]
    assert len(window.events("sent")) == 1


def test_entries_keep_their_order_over_a_reload(window: Window) -> None:
    window.start().socket()
    sent = [window.add(f"message {number}") for number in range(12)]
    window.reload().start()
    assert window.run("outbox.items.map(({ id }) => id)") == sent
    socket = window.socket(2).welcome()
    for number, message_id in enumerate(sent, start=1):
        assert ids(window.received(socket, number))[-1] == message_id
        socket.send(type="ack", id=message_id, seq=number)
    window.wait_events(12, "sent")
    assert window.stored() == []


def test_new_entry_is_sent_after_those_of_before_the_reload(window: Window) -> None:
    window.start().socket()
    old = window.add("old")
    # The clock of the new page may even be behind.
    window.reload()
    window.run("{ Date.now = () => 1 }")
    new = window.start().add("new")
    assert window.run("outbox.items.map(({ id }) => id)") == [old, new]


def test_entry_refused_with_retry_after_is_sent_again_before_later_ones(window: Window) -> None:
    socket = window.start().socket().welcome()
    one = window.add("one")
    window.add("two")
    window.received(socket, 1)
    socket.send(type="error", code="unavailable", detail="…", id=one, retry_after=2)
    window.wait_events(1, "error")
    # Math.random is 1: half as long again.
    window.pass_time(2999)
    window.add("three")
    assert window.count("sent") == 1
    window.pass_time(1)
    assert ids(window.received(socket, 2)) == [one, one]
    assert window.events("failed") == []


def test_rate_limited_entry_pauses_for_a_second_and_keeps_the_order(window: Window) -> None:
    """One refusal for each message would add up, and the socket would be closed."""
    socket = window.start().socket().welcome()
    one, two, three = (window.add(text) for text in ("one", "two", "three"))
    window.received(socket, 1)
    socket.send(type="error", code="rate_limited", detail="…", id=one, retry_after=0.05)
    window.wait_events(1, "error")
    window.pass_time(1499)
    assert window.count("sent") == 1
    window.pass_time(1)
    assert ids(window.received(socket, 2)) == [one, one]
    for number, message_id in enumerate((one, two, three), start=1):
        socket.send(type="ack", id=message_id, seq=number)
        window.wait_events(number, "sent")
    assert ids(window.received(socket, 4)) == [one, one, two, three]
    assert window.events("failed") == []


def test_final_error_fails_the_entry_and_the_next_is_sent(window: Window) -> None:
    socket = window.start().socket().welcome()
    one, two = window.add("too long"), window.add("two")
    window.received(socket, 1)
    socket.send(type="error", code="too_long", detail="…", id=one)
    assert ids(window.received(socket, 2)) == [one, two]
    failed = window.wait_events(1, "failed")[0]
    assert (failed["id"], failed["text"], failed["code"]) == (one, "too long", "too_long")
    socket.send(type="ack", id=two, seq=1)
    window.wait_events(1, "sent")

    window.run("outbox.retry(given[0])", one)
    assert ids(window.received(socket, 3)) == [one, two, one]
    socket.send(type="error", code="too_long", detail="…", id=one)
    window.wait_events(2, "failed")

    # Kept over a reload, but not sent by itself.
    window.reload().start()
    socket = window.socket(2).welcome()
    window.wait_events(1, "state")
    assert window.run("outbox.items.map(({ id, code }) => [id, code])") == [[one, "too_long"]]
    three = window.add("three")
    assert ids(window.received(socket, 1)) == [three]
    window.run("outbox.discard(given[0])", one)
    assert ids(window.events("gone")) == [one]
    socket.send(type="ack", id=three, seq=2)
    window.wait_events(1, "sent")
    assert window.stored() == []


def test_entry_closed_with_1009_fails_and_is_not_sent_again(window: Window) -> None:
    socket = window.start().socket().welcome()
    one, two = window.add("too big"), window.add("two")
    window.received(socket, 1)
    socket.close(1009)
    assert ids(window.wait_events(1, "failed")) == [one]
    window.pass_time(500)
    assert ids(window.received(window.socket(2).welcome(), 1)) == [two]


def test_socket_without_an_acknowledgement_is_replaced_after_20_seconds(window: Window) -> None:
    socket = window.start().socket().welcome()
    one = window.add("one")
    window.received(socket, 1)
    window.pass_time(19_999)
    assert [event["state"] for event in window.events("state")] == ["online"]
    window.pass_time(1)
    window.wait_events(2, "state")
    window.pass_time(500)
    again = window.socket(2).welcome()
    assert ids(window.received(again, 1)) == [one]
    window.wait(lambda: socket.is_closed)


def test_two_windows_send_each_entry_and_forget_it_once_acknowledged(window: Window) -> None:
    first_socket = window.start().socket().welcome()
    one = window.add("one")
    window.received(first_socket, 1)
    other = window.open_another()
    other_socket = other.start().socket().welcome()
    # The newer window cannot know that the older lives, and sends it too.
    assert ids(other.received(other_socket, 1)) == [one]
    two = other.add("two")
    other_socket.send(type="ack", id=one, seq=1)
    assert ids(other.received(other_socket, 2)) == [one, two]
    # The older learns of it, forgets the message, and sends its next.
    assert ids(window.wait_events(1, "gone")) == [one]
    three = window.add("three")
    assert ids(window.received(first_socket, 2)) == [one, three]
    assert {key.rpartition("/")[2] for key in window.stored()} == {two, three}

    other_socket.send(type="ack", id=two, seq=2)
    first_socket.send(type="ack", id=three, seq=3)
    other.wait_events(2, "sent")
    window.wait_events(1, "sent")
    assert window.stored() == []
    for each, number in ((window, 2), (other, 2)):
        again = come_back(each, number)
        each.run("connection.send({ type: 'entry', id: 'mark', text: '' })")
        assert ids(each.received(again, 1)) == ["mark"]


def test_entry_of_a_closed_window_is_sent_by_an_open_one(window: Window) -> None:
    window.start().socket().welcome()
    other = window.open_another()
    other.start().socket()
    left = other.add("left behind")
    other.page.close()
    assert ids(window.received(come_back(window, 2), 1)) == [left]
    assert ids(window.wait_events(1, "pending")) == [left]


def test_entry_older_than_a_day_is_kept_for_retry_and_not_sent(window: Window) -> None:
    window.start().socket()
    old = window.add("last week's")
    window.reload()
    window.page.clock.fast_forward("25:00:00")
    socket = window.start().socket(2).welcome()
    new = window.add("new")
    assert ids(window.received(socket, 1)) == [new]
    assert window.run("outbox.items.map(({ id, code }) => [id, code ?? null])") == [[old, "stale"], [new, None]]
    window.run("outbox.retry(given[0])", old)
    socket.send(type="ack", id=new, seq=1)
    assert ids(window.received(socket, 2)) == [new, old]


def test_entry_of_another_name_is_not_sent(window: Window) -> None:
    window.start(name="lobby/alice").socket()
    window.add("alice's")
    socket = window.reload().start(name="lobby/alice-2").socket(2).welcome()
    mine = window.add("mine")
    assert ids(window.received(socket, 1)) == [mine]
    assert window.run("outbox.items.length") == 1


@pytest.mark.parametrize("how", ["none", "full"])
def test_entries_are_sent_without_storage(window: Window, how: str) -> None:
    if how == "full":
        window.run("{ Storage.prototype.setItem = () => { throw new DOMException('full', 'QuotaExceededError') } }")
    socket = window.start(no_storage=how == "none").socket()
    one = window.add("one")
    assert window.stored() == []
    socket.welcome()
    assert ids(window.received(socket, 1)) == [one]
    socket.send(type="ack", id=one, seq=1)
    assert ids(window.wait_events(1, "sent")) == [one]

"""Reading messages: the HTTP API, which docs/api.md specifies, and the page of a room."""

import pytest
from django.test import Client

from chat import journal
from chat.journal import Draft
from chat.models import Message

pytestmark = pytest.mark.django_db

PATH = "/api/rooms/lobby/messages"


@pytest.fixture
def guest() -> Client:
    return Client()


def fill(count: int) -> None:
    journal.append([Draft("lobby", str(number), "alice", f"text {number}") for number in range(1, count + 1)])


def seqs(response) -> list[int]:
    return [message["seq"] for message in response.json()["messages"]]


def test_everyone_reads_the_newest(guest):
    fill(60)
    response = guest.get(PATH)
    assert response.status_code == 200
    assert seqs(response) == list(range(11, 61))
    content = response.json()
    assert (content["head"], content["more"]) == (60, True)
    assert content["messages"][-1].keys() == {"seq", "id", "message", "author", "sent_at"}
    assert "no-store" in response.headers["cache-control"]


@pytest.mark.parametrize(
    ("query", "expected", "more"),
    [
        ("after=0", range(1, 51), True),
        ("after=10", range(11, 61), False),
        ("after=9&limit=50", range(10, 60), True),
        ("after=58", [59, 60], False),
        ("after=60", [], False),
        ("after=999999999999999999", [], False),
        ("before=61", range(11, 61), True),
        ("before=51", range(1, 51), False),
        ("before=3", [1, 2], False),
        ("before=1", [], False),
        ("before=0", [], False),
        ("before=999999999999999999&limit=1", [60], True),
        ("limit=1", [60], True),
        ("limit=60", range(1, 61), False),
        ("limit=200", range(1, 61), False),
    ],
)
def test_pages(guest, query, expected, more):
    fill(60)
    response = guest.get(f"{PATH}?{query}")
    assert seqs(response) == list(expected)
    assert (response.json()["head"], response.json()["more"]) == (60, more)


def test_a_room_that_nobody_wrote_in_is_empty(guest):
    assert guest.get(PATH).json() == {"messages": [], "head": 0, "more": False}


def test_a_removed_message_says_so(guest):
    fill(1)
    journal.remove(Message.objects.get().pk)
    (message,) = guest.get(PATH).json()["messages"]
    assert (message["message"], message["removed"]) == ("", True)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("after=-1", "after"),
        ("after=", "after"),
        ("after=x", "after"),
        ("after=1.5", "after"),
        ("after=٣", "after"),
        ("after=" + "9" * 19, "after"),
        ("before=x", "before"),
        ("after=1&before=2", "before"),
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("limit=-1", "limit"),
        ("limit=", "limit"),
        ("limit=" + "9" * 5000, "limit"),
    ],
)
def test_a_bad_query_is_400_and_names_the_field(guest, query, field):
    response = guest.get(f"{PATH}?{query}")
    assert response.status_code == 400
    error = response.json()["error"]
    assert error["code"] == f"invalid_{field}"
    assert error["detail"].startswith(f"{field}: expected ")


def test_the_room_page_has_the_newest_messages(guest):
    fill(60)
    context = guest.get("/chat/lobby/").context
    assert [line.message.seq for line in context["lines"]] == list(range(11, 61))
    assert (context["room"], context["head"]) == ("lobby", 60)

"""Reading messages: the HTTP API, which docs/api.md specifies, and the page of a room."""

import pytest
from django.test import Client

from channels_live.journal import PAGE_BYTES
from chat.journal import journal, message_draft, remove
from chat.models import Message

pytestmark = pytest.mark.django_db

PATH = "/api/rooms/lobby/messages"


@pytest.fixture
def guest() -> Client:
    return Client()


def fill(count: int) -> None:
    journal.append([message_draft("lobby", str(number), "alice", f"text {number}") for number in range(1, count + 1)])


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
    remove(Message.objects.get().pk)
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


# Texts of many bytes, and of what JSON and HTML must escape.
LONGEST = {"emoji": "👩‍🚀🚀" * 1000, "Japanese": "あ" * 4000, "escaped": "\"\\'<&\n" * 600, "ASCII": "x" * 4000}


def fill_with(text: str, count: int = 200) -> None:
    journal.append([message_draft("lobby", str(number), "alice", text) for number in range(1, count + 1)])


@pytest.mark.parametrize("text", LONGEST.values(), ids=LONGEST)
@pytest.mark.parametrize("direction", ["after", "before"])
def test_a_page_is_bounded_by_bytes_and_more_leads_through_all(guest, text, direction):
    fill_with(text)
    found: list[int] = []
    query = "after=0" if direction == "after" else "before=999999"
    pages = 0
    while True:
        response = guest.get(f"{PATH}?{query}&limit=200")
        assert len(response.content) <= PAGE_BYTES + 100
        page = seqs(response)
        assert page == sorted(page)
        assert {message["message"] for message in response.json()["messages"]} == {text}
        found = [*found, *page] if direction == "after" else [*page, *found]
        pages += 1
        if not response.json()["more"]:
            break
        query = f"after={page[-1]}" if direction == "after" else f"before={page[0]}"
    assert found == list(range(1, 201))
    assert pages > 1
    assert response.json()["head"] == 200


def test_a_message_that_is_larger_than_a_page_is_one(guest):
    fill_with("🚀" * PAGE_BYTES, count=3)
    for query, expected in (("after=0", [1]), ("after=2", [3]), ("before=4", [3]), ("before=2", [1])):
        assert seqs(guest.get(f"{PATH}?{query}")) == expected
    assert guest.get(f"{PATH}?after=0").json()["more"]
    assert not guest.get(f"{PATH}?after=2").json()["more"]


def test_only_what_must_be_escaped_is_escaped(guest):
    text = 'あ🚀é\u2028 "quoted" back\\slash </script>\nnext'
    fill_with(text, count=1)
    response = guest.get(PATH)
    assert response.headers["content-type"] == "application/json"
    assert response.json()["messages"][0]["message"] == text
    content = response.content.decode()
    assert 'あ🚀é\u2028 \\"quoted\\" back\\\\slash </script>\\nnext' in content
    assert "\\u" not in content


@pytest.mark.parametrize("text", LONGEST.values(), ids=LONGEST)
def test_the_room_page_is_bounded_by_bytes_and_has_the_newest(guest, text):
    fill(1)
    small = len(guest.get("/chat/lobby/").content)
    journal.append([message_draft("lobby", f"long {number}", "alice", text) for number in range(200)])
    response = guest.get("/chat/lobby/")
    # A line without its text has half a KiB.
    assert len(response.content) < PAGE_BYTES + small + 50 * 1024
    shown = [line.message.seq for line in response.context["lines"]]
    assert shown == list(range(shown[0], 202))
    assert response.context["head"] == 201

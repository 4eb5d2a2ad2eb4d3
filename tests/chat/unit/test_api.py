"""The HTTP API, whose specification is docs/api.md: posting, and who may. For reading see test_api_reading.py."""

import json
from datetime import datetime, timedelta
from typing import Any

import psycopg
import pytest
from django.db import DataError, InterfaceError, InternalError, OperationalError
from django.test import Client
from django.utils import timezone

from accounts import tokens
from accounts.models import ApiToken, User
from chat import api
from chat.journal import journal, message_draft, remove
from chat.models import Message

pytestmark = pytest.mark.django_db

PATH = "/api/rooms/lobby/messages"


@pytest.fixture(autouse=True)
def published(monkeypatch) -> list[tuple]:
    calls: list[tuple] = []
    monkeypatch.setattr("channels_live.journal.journal.publish", lambda *args: calls.append(args))
    return calls


@pytest.fixture
def user() -> User:
    return User.objects.create_user("bot")


@pytest.fixture
def bot(user) -> Client:
    """A program that comes with a token, and has Django check for CSRF as in the real stack."""
    token = tokens.new_token()
    ApiToken.objects.create(user=user, name="test", digest=tokens.digest(token))
    return Client(enforce_csrf_checks=True, headers={"authorization": f"Bearer {token}"})


@pytest.fixture
def guest() -> Client:
    return Client(enforce_csrf_checks=True)


def post(client: Client, content: Any, path: str = PATH, **options: Any):
    body = content if isinstance(content, bytes) else json.dumps(content)
    return client.post(path, body, content_type="application/json", **options)


def test_a_post_is_stored_answered_and_published(bot, published):
    response = post(bot, {"message": "hello 👋", "id": "x-1"})
    assert response.status_code == 201
    message = dict(response.json())
    sent_at = datetime.fromisoformat(message.pop("sent_at"))
    assert abs(timezone.now() - sent_at) < timedelta(seconds=5)
    assert message == {"seq": 1, "id": "x-1", "message": "hello 👋", "author": "bot"}
    ((group, event),) = published
    assert group == journal.group("lobby")
    assert (event["type"], event["topic"], event["seq"]) == ("event", "lobby", 1)
    assert json.loads(event["frames"][""]) == {"message": "hello 👋"}
    assert json.loads(event["frames"]["chat.v1"]) == {"type": "message", **response.json()}


def test_without_an_id_the_server_makes_one(bot):
    first, second = post(bot, {"message": "a"}).json(), post(bot, {"message": "a"}).json()
    assert (first["seq"], second["seq"]) == (1, 2)
    assert first["id"] != second["id"]


def test_an_id_of_another_message_is_refused_and_not_answered_with_that_message(bot):
    journal.append([message_draft("lobby", "deploy-1", "mallory", "was here first")])
    response = post(bot, {"message": "Deployed.", "id": "deploy-1"})
    assert (response.status_code, response.json()["error"]["code"]) == (400, "invalid_id")


def test_a_message_that_was_removed_meanwhile_may_be_sent_again(bot):
    first = post(bot, {"message": "hello", "id": "x"}).json()
    remove(Message.objects.get(seq=first["seq"]).pk)
    assert post(bot, {"message": "hello", "id": "x"}).status_code == 200


def test_the_same_id_again_is_200_and_neither_stored_nor_published_twice(bot, published):
    first = post(bot, {"message": "hello", "id": "x"})
    again = post(bot, {"message": "hello", "id": "x"})
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    assert Message.objects.count() == 1
    assert len(published) == 1


def test_a_room_of_any_script_however_it_is_encoded(bot):
    assert post(bot, {"message": "a"}, "/api/rooms/ガ/messages").status_code == 201
    (message,) = bot.get("/api/rooms/カ\u3099/messages").json()["messages"]
    assert message["seq"] == 1


def test_a_text_is_stored_in_one_form_and_without_control_characters(bot):
    assert post(bot, {"message": "a\0\x1b[1mカ\u3099"}).json()["message"] == "a[1mガ"


def test_a_user_who_posts_too_fast_is_told_when_to_try_again(bot, settings):
    settings.CHANNELS_LIVE = settings.CHANNELS_LIVE | {"MESSAGE_RATE": 0.01, "MESSAGE_BURST": 2}
    api._limits.cache_clear()
    try:
        # Twice the burst of one socket.
        assert [post(bot, {"message": "a"}).status_code for _ in range(5)] == [201, 201, 201, 201, 429]
        refused = post(bot, {"message": "a"})
    finally:
        api._limits.cache_clear()
    assert refused.json()["error"]["code"] == "rate_limited"
    assert 45 <= int(refused["Retry-After"]) <= 50
    assert bot.get("/api/rooms/lobby/messages").json()["head"] == 4


@pytest.mark.parametrize(
    ("content", "code", "field"),
    [
        (b"not json", "invalid_json", "JSON"),
        (b"", "invalid_json", "JSON"),
        (b"\xff\xfe", "invalid_json", "JSON"),
        (b"[" * 60000, "invalid_json", "JSON"),
        ([], "invalid_message", "object"),
        ({}, "invalid_message", "message: missing"),
        ({"message": 1}, "invalid_message", "message: "),
        (b'{"message": "\\ud800"}', "invalid_message", "message: "),
        ({"message": ""}, "empty", "message: "),
        ({"message": "a", "color": "red"}, "unknown_field", "color"),
        ({"message": "x" * 4001}, "too_long", "message: expected at most 4000"),
        ({"message": "a", "id": ""}, "invalid_id", "id: "),
        ({"message": "a", "id": None}, "invalid_id", "id: "),
        ({"message": "a", "id": 7}, "invalid_id", "id: "),
        ({"message": "a", "id": "x" * 65}, "invalid_id", "id: "),
        ({"message": "a", "id": "a\0"}, "invalid_id", "id: "),
        ({"message": "a", "id": "a\nb"}, "invalid_id", "id: "),
        (b'{"message": "a", "id": "\\udc00"}', "invalid_id", "id: "),
    ],
)
def test_bad_input_is_400_and_says_what_was_expected(bot, published, content, code, field):
    response = post(bot, content)
    assert response.status_code == 400
    error = response.json()["error"]
    assert error["code"] == code
    assert field in error["detail"]
    assert Message.objects.count() == 0
    assert published == []


@pytest.mark.parametrize("name", ["a b", "x" * 65, "a.b", "🙂"])
@pytest.mark.parametrize("method", ["get", "post"])
def test_no_such_room_is_404(bot, name, method):
    response = getattr(bot, method)(f"/api/rooms/{name}/messages")
    assert response.status_code == 404
    assert response.json()["error"]["code"] == "no_such_room"


def test_other_methods_are_405(bot):
    assert bot.delete(PATH).status_code == 405
    assert bot.put(PATH).headers["allow"] == "GET, HEAD, POST"


# --- who


def test_a_guest_may_not_post(guest):
    response = post(guest, {"message": "hello"})
    assert response.status_code == 401
    assert response.headers["www-authenticate"] == "Bearer"
    assert response.json()["error"]["code"] == "login_needed"
    assert Message.objects.count() == 0


@pytest.mark.parametrize("kind", ["multipart/form-data; boundary=x", "application/x-www-form-urlencoded", "text/plain"])
def test_the_content_type_does_not_matter(guest, bot, user, kind):
    guest.force_login(user)
    guest.get("/chat/")
    headers = {"x-csrftoken": guest.cookies["csrftoken"].value}
    assert guest.post(PATH, b'{"message": "a=b&c"}', content_type=kind, headers=headers).json()["message"] == "a=b&c"
    assert bot.post(PATH, b'{"message": "a=b&c"}', content_type=kind).json()["message"] == "a=b&c"


# --- the database is away


@pytest.mark.parametrize("error", [OperationalError("gone"), InterfaceError("closed")])
def test_without_the_database_it_is_503_and_soon_over(bot, guest, monkeypatch, published, error):
    def fail(*args):
        raise error

    monkeypatch.setattr(journal, "append", fail)
    monkeypatch.setattr(journal, "bounds", fail)
    for response in (post(bot, {"message": "hello"}), guest.get(PATH)):
        assert response.status_code == 503
        assert response.headers["retry-after"] == "2"
        assert response.json()["error"]["code"] == "unavailable"
    assert published == []


def test_a_read_only_database_is_503_and_soon_over(bot, monkeypatch):
    error = InternalError("cannot execute UPDATE in a read-only transaction")
    error.__cause__ = psycopg.errors.ReadOnlySqlTransaction()

    def fail(*args):
        raise error

    monkeypatch.setattr(journal, "append", fail)
    response = post(bot, {"message": "hello"})
    assert (response.status_code, response.headers["retry-after"]) == (503, "2")
    assert response.json()["error"]["code"] == "unavailable"


def test_a_message_that_the_database_cannot_store_is_422_and_needs_no_retry(bot, monkeypatch, published):
    error = DataError("has no equivalent in encoding")
    error.__cause__ = psycopg.errors.UntranslatableCharacter()

    def fail(*args):
        raise error

    monkeypatch.setattr(journal, "append", fail)
    response = post(bot, {"message": "hello"})
    assert response.status_code == 422
    assert "retry-after" not in response.headers
    assert response.json()["error"]["code"] == "unprocessable"
    assert published == []


def test_a_bug_is_500_in_json(bot, monkeypatch):
    bot.raise_request_exception = False
    monkeypatch.setattr(journal, "append", lambda drafts: 1 / 0)
    response = post(bot, {"message": "hello"})
    assert response.status_code == 500
    assert response.json()["error"]["code"] == "internal"

"""Tickets: made over the API, used once and soon."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts import tickets, tokens
from accounts.models import ApiToken, Ticket, User
from accounts.revocations import token_subject
from channels_live.revocation import revoke, session_subject, user_subject

pytestmark = pytest.mark.django_db


@pytest.fixture
def alice() -> User:
    return User.objects.create_user("alice")


def make(client: Client, **headers: str):
    return client.post("/api/tickets", headers=headers)


def test_with_a_token(alice):
    token = tokens.new_token()
    stored = ApiToken.objects.create(user=alice, name="test", digest=tokens.digest(token))
    answer = make(Client(enforce_csrf_checks=True), authorization=f"Bearer {token}")
    assert (answer.status_code, answer.json()["expires_in"]) == (201, 30)
    assert "no-store" in answer.headers["cache-control"]
    found = tickets.consume(answer.json()["ticket"])
    assert found == (alice, (token_subject(stored), user_subject(alice)))


def test_with_a_session_and_its_csrf_token_only(alice):
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice)
    assert make(client).json()["error"]["code"] == "csrf_failed"
    client.get("/accounts/login/")
    answer = make(client, **{"x-csrftoken": client.cookies["csrftoken"].value})
    found = tickets.consume(answer.json()["ticket"])
    assert found
    assert found[1][0] == session_subject(client.session.session_key)


def test_not_for_guests_or_with_an_invalid_token():
    assert (make(Client()).status_code, make(Client(), authorization="Bearer made-up").status_code) == (401, 401)
    assert Ticket.objects.count() == 0


def test_once(alice):
    ticket = tickets.issue(alice, "session:x")
    assert not Ticket.objects.filter(digest=ticket).exists()
    assert tickets.consume(ticket)
    assert tickets.consume(ticket) is None
    assert tickets.consume("made-up") is None


@pytest.mark.parametrize(("age", "is_good"), [(29, True), (31, False)])
def test_soon(alice, age, is_good):
    ticket = tickets.issue(alice, "session:x")
    Ticket.objects.update(expires_at=timezone.now() + timedelta(seconds=30 - age))
    assert bool(tickets.consume(ticket)) == is_good


def test_expired_ones_go_with_the_next(alice):
    tickets.issue(alice, "session:x")
    Ticket.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    tickets.issue(alice, "session:x")
    assert Ticket.objects.count() == 1


def test_they_end_with_what_they_were_made_with_and_with_the_password(alice):
    first = tickets.issue(alice, "session:x")
    revoke("session:x")
    assert tickets.consume(first) is None
    second = tickets.issue(alice, "session:y")
    alice.set_password("new")
    alice.save()
    assert tickets.consume(second) is None


def test_pages_of_listed_origins_only_may_call_the_api(settings):
    settings.CORS_ALLOWED_ORIGINS = ["https://app.example.net"]
    asks = {"access-control-request-method": "POST", "access-control-request-headers": "authorization"}
    for origin, allowed in [("https://app.example.net", "https://app.example.net"), ("https://evil.example", None)]:
        answer = Client().options("/api/tickets", headers={"origin": origin, **asks})
        assert answer.headers.get("access-control-allow-origin") == allowed
        assert "access-control-allow-credentials" not in answer.headers
    answer = Client().options("/accounts/login/", headers={"origin": "https://app.example.net", **asks})
    assert "access-control-allow-origin" not in answer.headers

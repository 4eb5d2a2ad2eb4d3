"""Callers of the HTTP API, asked at the tickets."""

import pytest
from django.db import OperationalError
from django.test import Client

from accounts import tokens
from accounts.models import ApiToken, User

pytestmark = pytest.mark.django_db
PATH = "/api/tickets"


@pytest.fixture
def user() -> User:
    return User.objects.create_user("bot")


@pytest.fixture
def bot(user) -> Client:
    """A program that sends a token, checked for CSRF as in a running stack."""
    token = tokens.new_token()
    ApiToken.objects.create(user=user, name="test", digest=tokens.digest(token))
    return Client(enforce_csrf_checks=True, headers={"authorization": f"Bearer {token}"})


@pytest.fixture
def browser() -> Client:
    return Client(enforce_csrf_checks=True)


def test_token_of_an_active_user_is_accepted_without_a_csrf_token(bot):
    assert bot.post(PATH).status_code == 201


def test_token_of_an_inactive_user_is_answered_401(bot, user):
    user.is_active = False
    user.save()
    assert bot.post(PATH).status_code == 401


@pytest.mark.parametrize("header", ["Bearer wrong", "Bearer", "bearer \udcff"])
def test_invalid_token_is_answered_401_even_with_a_session(browser, user, header):
    browser.force_login(user)
    answer = browser.post(PATH, headers={"authorization": header})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.json()["error"]["code"] == "invalid_token"


def test_session_from_a_foreign_origin_is_answered_403(browser, user):
    browser.force_login(user)
    browser.get("/accounts/login/")
    headers = {"x-csrftoken": browser.cookies["csrftoken"].value}
    assert browser.post(PATH, headers={**headers, "origin": "http://evil.example"}).status_code == 403
    assert browser.post(PATH, headers=headers).status_code == 201


def test_responses_of_the_api_set_no_guest_cookie(bot, browser):
    assert "guest" not in bot.post(PATH).cookies
    assert "guest" not in browser.post(PATH).cookies
    assert "guest" in browser.get("/accounts/login/").cookies


def test_unreadable_session_is_answered_503(user, monkeypatch):
    client = Client(raise_request_exception=False)
    client.force_login(user)

    def fail(*args):
        raise OperationalError("gone")

    monkeypatch.setattr("django.contrib.sessions.backends.db.SessionStore.load", fail)
    answer = client.post(PATH)
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "unavailable")
    page = client.get("/accounts/login/")
    assert (page.status_code, page.headers["retry-after"]) == (503, "2")

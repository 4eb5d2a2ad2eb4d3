"""API tokens: shown once, kept as a digest, invalid once expired or revoked."""

import re
from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.test import RequestFactory
from django.utils import timezone

from accounts import tokens
from accounts.models import ApiToken, User
from accounts.revocations import token_subject

pytestmark = pytest.mark.django_db


@pytest.fixture
def user() -> User:
    return User.objects.create_user("bot")


def give_token(user: User, **fields) -> str:
    token = tokens.new_token()
    ApiToken.objects.create(user=user, name="test", digest=tokens.digest(token), **fields)
    return token


def user_of(token: str) -> User | None:
    found = tokens.find(token)
    return found.user if found else None


def test_a_token_authenticates_its_user(user):
    assert user_of(give_token(user)) == user


@pytest.mark.parametrize("token", ["", "unknown", "x" * 10000, "\ud800", "日本"])
def test_any_other_text_is_an_invalid_token(user, token):
    give_token(user)
    assert user_of(token) is None


def test_the_digest_is_no_token(user):
    assert user_of(tokens.digest(give_token(user))) is None


def test_expired_and_deleted_tokens_and_those_of_inactive_users_are_invalid(user):
    now = timezone.now()
    assert user_of(give_token(user, expires_at=now - timedelta(seconds=1))) is None
    token = give_token(user, expires_at=now + timedelta(hours=1))
    assert user_of(token) == user
    user.is_active = False
    user.save()
    assert user_of(token) is None
    user.is_active = True
    user.save()
    ApiToken.objects.all().delete()
    assert user_of(token) is None


def test_using_a_token_is_one_query_and_no_write(user, django_assert_num_queries):
    token = give_token(user)
    with django_assert_num_queries(1):
        user_of(token)


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("Bearer abc", "abc"),
        ("bearer  abc ", "abc"),
        ("Bearer", ""),
        ("Basic YTpi", None),
        ("Bearerabc", None),
        ("", None),
    ],
)
def test_the_header(header, expected):
    assert tokens.bearer(RequestFactory().get("/", headers={"authorization": header})) == expected


def test_without_a_header_there_is_no_token():
    assert tokens.bearer(RequestFactory().get("/")) is None


def add_in_admin(admin_client, user: User) -> str:
    form = {"user": user.pk, "name": "deploy bot", "expires_at_0": "", "expires_at_1": ""}
    headers = {"Accept-Language": "en"}
    page = admin_client.post("/admin/accounts/apitoken/add/", form, follow=True, headers=headers).content.decode()
    found = re.search(r"Token: (\S{43}) ", page)
    assert found
    return found[1]


def test_the_admin_shows_a_new_token_once_and_keeps_its_digest_only(admin_client, user):
    token = add_in_admin(admin_client, user)
    assert user_of(token) == user
    stored = ApiToken.objects.get()
    assert stored.name == "deploy bot"
    for path in ("", f"{stored.pk}/change/", f"{stored.pk}/history/"):
        page = admin_client.get(f"/admin/accounts/apitoken/{path}")
        assert page.status_code == 200
        assert token not in page.content.decode()
        assert stored.digest not in page.content.decode()
    assert not any(token in str(session.get_decoded()) for session in Session.objects.all())


def test_the_admin_changes_the_name_and_neither_token_nor_user(admin_client, user):
    token = add_in_admin(admin_client, user)
    other = User.objects.create_user("other")
    form = {"user": other.pk, "name": "renamed", "expires_at_0": "", "expires_at_1": ""}
    page = admin_client.post(f"/admin/accounts/apitoken/{ApiToken.objects.get().pk}/change/", form, follow=True)
    assert "The token is" not in page.content.decode()
    assert ApiToken.objects.get().name == "renamed"
    assert user_of(token) == user


def test_the_admin_revokes_a_token_by_deleting_it(admin_client, user):
    token = add_in_admin(admin_client, user)
    admin_client.post(f"/admin/accounts/apitoken/{ApiToken.objects.get().pk}/delete/", {"post": "yes"})
    assert user_of(token) is None


def test_subject_of_a_token_is_unchanged():
    """Sockets of another release end with a token by this text."""
    assert token_subject(ApiToken(pk=7)) == "token:7"

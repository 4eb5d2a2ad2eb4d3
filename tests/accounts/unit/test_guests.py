"""Names of guests: chosen, kept in a signed cookie, never those of users."""

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import ValidationError
from django.http import HttpResponse

from accounts import guests
from accounts.models import User


def cookie_of(name: str) -> dict[str, str]:
    response = HttpResponse()
    guests.remember(response, name)
    return {guests.COOKIE: response.cookies[guests.COOKIE].value}


@pytest.mark.parametrize(
    ("chosen", "name"),
    [
        ("花子", "花子#k7m2xq"),
        ("  Alice   Smith\n", "Alice Smith#k7m2xq"),
        ("カ\u3099", "ガ#k7m2xq"),
        ("👩‍🚒", "👩‍🚒#k7m2xq"),
        ("👨‍👩‍👧 ❤️ 👩🏽‍🚒", "👨‍👩‍👧 ❤️ 👩🏽‍🚒#k7m2xq"),
        ("🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f 1️⃣ ‼️", None),
        ("می‌خواهم", "می‌خواهم#k7m2xq"),
        ("क्‍ष", "क्‍ष#k7m2xq"),
        ("ශ්‍රී", "ශ්‍රී#k7m2xq"),
        ("葛\U000e0100城", "葛\U000e0100城#k7m2xq"),
        ("Анна (Anna)", "Анна (Anna)#k7m2xq"),
        ("x" * 30, f"{'x' * 30}#k7m2xq"),
    ],
    ids=ascii,
)
def test_a_chosen_name_keeps_the_tag_and_comes_back_from_the_cookie(chosen, name):
    name = name or f"{chosen}#k7m2xq"
    assert guests.rename("guest-k7m2xq", chosen) == name
    assert guests.rename("anything#k7m2xq", chosen) == name
    assert guests.guest_name(cookie_of(name)) == name
    assert cookie_of(name)[guests.COOKIE].isascii()


INVISIBLE = "\u115f\u1160\u3164\uffa0\u2800\u034f\ufe0f\U000e0100\u200d\u200c\u00ad"
LIKE_OTHERS = ["guest-abc234", "Guest-abc234", "guеst-abc234", "аlice", "the аlice", "user१a", "a＃k7m2xq", "a♯k7m2xq"]


@pytest.mark.parametrize(
    "chosen",
    [
        *("", "  ", "x" * 31, "a#b", "a\u202eb", "a\u200bb", "a\0b", "...", "\u0301", "a\U000e0061", "❤️\ufe0f"),
        *LIKE_OTHERS,
        *(name.replace("{}", character) for character in INVISIBLE for name in ("{}", "alice{}", "al{}ice", "{}花子")),
    ],
    ids=ascii,
)
def test_a_name_that_deceives_is_refused(chosen):
    with pytest.raises(ValidationError):
        guests.rename("guest-k7m2xq", chosen)


def test_no_user_can_have_the_name_of_a_renamed_guest():
    validator = User._meta.get_field("username").validators[0]
    with pytest.raises(ValidationError):
        validator(guests.rename("guest-k7m2xq", "alice"))


def test_a_cookie_of_before_is_still_good():
    assert guests.guest_name(cookie_of("guest-k7m2xq")) == "guest-k7m2xq"


def test_a_user_has_no_guest_name_to_change(client, db):
    client.force_login(User.objects.create_user("alice"))
    assert client.post("/accounts/name/", {"chosen": "bob"}).status_code == 302
    assert guests.COOKIE not in client.cookies


def test_a_cookie_of_another_secret_key_is_logged_once(settings, monkeypatch, caplog):
    """As where web has another key than ws: the page and its socket would have two names, and nobody would know why."""
    monkeypatch.setattr(guests, "_unknown_logged_at", -guests.UNKNOWN_LOGGED_EVERY)
    cookies = cookie_of("guest-k7m2xq")
    assert guests.author_of({"user": AnonymousUser(), "cookies": cookies}) == "guest-k7m2xq"
    assert guests.author_of({"user": AnonymousUser(), "cookies": {}}).startswith("guest-")
    assert caplog.records == []
    settings.SECRET_KEY = "another-key-than-that-of-web-0123456789-0123456789"
    for _ in range(3):
        assert guests.author_of({"user": AnonymousUser(), "cookies": cookies}) != "guest-k7m2xq"
    (record,) = caplog.records
    assert "SECRET_KEY" in record.getMessage()

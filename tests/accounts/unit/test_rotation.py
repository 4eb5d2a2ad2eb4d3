"""SECRET_KEY is rotated: whoever is logged in stays so, in web and on sockets."""

import pytest
from django.test import Client

from accounts.models import User
from channels_live.middleware.session_user import LoginEnded, UnknownSession, load, user_of

OLD, NEW = "the-old-key-of-fifty-characters-or-more-0123456789", "the-new-key-of-fifty-characters-or-more-0123456789"

pytestmark = pytest.mark.django_db


@pytest.fixture
def client(settings) -> Client:
    """Somebody who logged in under the old key."""
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = OLD, []
    client = Client()
    client.force_login(User.objects.create_user("kept"))
    return client


def test_a_socket_keeps_its_user_and_the_session_is_left_as_it_was(client, settings):
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = NEW, [OLD]
    before = dict(client.session)
    assert user_of(client.session).get_username() == "kept"
    assert dict(client.session) == before


def test_a_process_that_does_not_have_the_new_key_first_yet_accepts_it(client, settings):
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = NEW, [OLD]
    assert client.get("/accounts/login/").status_code == 200  # web renews the session under the new key
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = OLD, [NEW]
    assert user_of(client.session).get_username() == "kept"


def test_a_key_that_is_gone_proves_nothing_and_deletes_nothing(client, settings):
    session = client.session
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = NEW, []
    # Web may still have the key.
    with pytest.raises(UnknownSession, match="undecodable"):
        load(session.session_key)
    assert session.exists(session.session_key)


def test_web_ends_a_session_that_no_key_opens_any_more(client, settings):
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = NEW, []
    answer = client.get("/accounts/login/")
    assert "guest-" in answer.text
    # Else the page's socket would be sent away for as long as the session is kept.
    assert answer.cookies[settings.SESSION_COOKIE_NAME].value == ""


def test_a_changed_password_ends_the_session(client):
    user = User.objects.get()
    user.set_password("another")
    user.save()
    with pytest.raises(LoginEnded, match="hash"):
        user_of(client.session)


def test_nobody_without_a_session(client):
    assert user_of(Client().session).is_anonymous

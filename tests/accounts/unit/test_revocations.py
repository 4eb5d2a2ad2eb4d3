"""What accounts revoke, and when."""

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import ApiToken, Revocation, User
from accounts.revocations import token_subject
from channels_live.revocation import session_subject, user_subject

pytestmark = pytest.mark.django_db


@pytest.fixture
def alice() -> User:
    return User.objects.create_user("alice")


def subjects() -> set[str]:
    return set(Revocation.objects.values_list("subject", flat=True))


def test_change_of_password_name_or_activity_revokes_the_user(alice):
    alice.set_password("first")
    alice.save()
    Revocation.objects.all().delete()
    subject = user_subject(alice)
    alice.first_name = "Alice"
    alice.save()
    alice.save(update_fields=["last_login"])
    assert subjects() == set()
    alice.set_password("second")
    alice.save()
    assert subjects() == {subject}
    changed = user_subject(alice)
    assert changed != subject
    alice.is_active = False
    alice.save()
    assert subjects() == {subject, changed}
    Revocation.objects.all().delete()
    # Open sockets would go on writing under the old name.
    alice.username = "alicia"
    alice.save()
    assert subjects() == {changed}
    Revocation.objects.all().delete()
    User.objects.filter(pk=alice.pk).delete()
    assert changed in subjects()


def test_logout_revokes_its_session_only(alice):
    here, elsewhere = Client(), Client()
    here.force_login(alice)
    elsewhere.force_login(alice)
    key = here.session.session_key
    # Logging in has ended the sessions before.
    Revocation.objects.all().delete()
    here.post(reverse("logout"))
    assert subjects() == {session_subject(key)}


def test_deletion_of_a_token_revokes_it(alice):
    token = ApiToken.objects.create(user=alice, name="test", digest="x")
    subject = token_subject(token)
    assert subjects() == set()
    token.delete()
    assert subjects() == {subject}


def test_change_that_is_rolled_back_revokes_nothing(alice, monkeypatch):
    monkeypatch.setattr(User, "save_base", lambda *_, **__: 1 / 0)
    alice.set_password("second")
    with pytest.raises(ZeroDivisionError):
        alice.save()
    assert subjects() == set()

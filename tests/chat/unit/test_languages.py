"""The chat's pages, and its part of the admin, are in the visitor's language, all of each page."""

from datetime import datetime

import pytest
from django.test import Client
from django.utils.timezone import get_default_timezone

from accounts.models import User
from chat.journal import journal, message_draft, remove
from chat.models import Ban, Membership, Message, Room
from tests.support.page_language import admin_pages, foreign_words

pytestmark = [pytest.mark.django_db, pytest.mark.parametrize("language", ["ja", "en"])]


@pytest.fixture
def visitor(language: str) -> Client:
    return Client(headers={"Accept-Language": language})


@pytest.fixture(autouse=True)
def room() -> Room:
    """A room of which all names and texts are digits."""
    journal.append([message_draft("1", "1", "1", "1"), message_draft("1", "2", "1", "2")])
    remove(Message.objects.latest("id").pk)
    room = Room.objects.get()
    user = User.objects.create_user("2")
    Membership.objects.create(room=room, user=user)
    Ban.objects.create(room=room, user=user)
    return room


@pytest.fixture
def administrator(visitor: Client, monkeypatch: pytest.MonkeyPatch) -> Client:
    monkeypatch.setattr("channels_live.journal.journal.publish", lambda *args: None)
    visitor.force_login(User.objects.create_superuser("3"))
    return visitor


@pytest.mark.parametrize("path", ["/chat/", "/chat/?room=a b", "/chat/?room=аa", "/chat/1/", "/chat/2/", "/chat/a b/"])
def test_pages(visitor, language, path):
    page = visitor.get(path).text.replace('value="a b"', "").replace('value="аa"', "")
    assert foreign_words(page, language) == set()


def test_page_of_a_room_that_a_guest_may_not_enter(visitor, language, room):
    room.access = Room.Access.MEMBERS
    room.save()
    page = visitor.get("/chat/1/")
    assert page.status_code == 403
    assert 'href="/accounts/login/?next=/chat/1/"' in page.text
    assert foreign_words(page.text, language) == set()


def test_page_of_a_room_that_a_user_may_not_enter(visitor, language):
    visitor.force_login(User.objects.get(username="2"))
    page = visitor.get("/chat/1/")
    assert page.status_code == 403
    assert 'class="button" href="/"' in page.text
    assert foreign_words(page.text, language) == set()


def test_admin_pages(administrator, language):
    remove_text(administrator)
    for path in admin_pages():
        assert foreign_words(administrator.get(path, follow=True).text, language) == set()


def test_admin_messages_and_errors(administrator, language):
    assert foreign_words(remove_text(administrator), language) == set()
    form = {"name": "1 2", "access": "public"}
    for prefix in ("memberships", "bans"):
        form |= {f"{prefix}-TOTAL_FORMS": "0", f"{prefix}-INITIAL_FORMS": "0"}
    page = administrator.post("/admin/chat/room/add/", form)
    assert page.context["adminform"].form.errors["name"]
    assert foreign_words(page.text, language) == set()


@pytest.mark.parametrize("path", ["/admin/chat/message/", "/chat/1/"])
def test_dates_are_written_as_in_the_language(visitor, administrator, language, path):
    sent_at = datetime(2026, 3, 4, 5, 6, tzinfo=get_default_timezone())
    Message.objects.update(sent_at=sent_at)
    assert {"ja": "2026年3月4日 5:06", "en": "March 4, 2026, 5:06 AM"}[language] in visitor.get(path).text


def remove_text(administrator: Client) -> str:
    form = {"action": "remove_text", "_selected_action": list(Message.objects.values_list("pk", flat=True))}
    return administrator.post("/admin/chat/message/", form, follow=True).text

"""Moderation: look at everything, remove a text, change nothing else."""

import json

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.utils import translation

from accounts.models import User
from chat.journal import journal, message_draft
from chat.models import Message, Room

pytestmark = pytest.mark.django_db

MESSAGES = "/admin/chat/message/"
ROOMS = "/admin/chat/room/"


@pytest.fixture
def published(monkeypatch) -> list[tuple]:
    calls: list[tuple] = []
    monkeypatch.setattr("channels_live.journal.journal.publish", lambda *args: calls.append(args))
    return calls


@pytest.fixture
def stored() -> list[Message]:
    drafts = [
        message_draft("雑談", "1", "alice", "hello world"),
        message_draft("雑談", "2", "bob", "spam"),
        message_draft("other", "1", "bob", "x"),
    ]
    journal.append(drafts)
    return list(Message.objects.order_by("id"))


def staff(client, *permissions: str) -> None:
    user = User.objects.create_user("moderator", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client.force_login(user)


def remove(client, *messages: Message):
    form = {"action": "remove_text", "_selected_action": [message.pk for message in messages]}
    return client.post(MESSAGES, form, follow=True, headers={"Accept-Language": "en"})


def test_messages_can_be_browsed_searched_and_filtered(admin_client, stored):
    page = admin_client.get(MESSAGES).content.decode()
    assert "hello world" in page
    assert "spam" in page
    for query, count in {
        "q=spam": 1,
        "q=bob": 2,
        "q=雑談": 2,
        f"room__id__exact={stored[2].room_id}": 1,
        "removed_at__isempty=1": 3,
        "removed_at__isempty=0": 0,
    }.items():
        assert admin_client.get(f"{MESSAGES}?{query}").context["cl"].result_count == count, query
    page = admin_client.get(f"{MESSAGES}{stored[0].pk}/change/").content.decode()
    assert "hello world" in page
    assert 'name="_save"' not in page


def test_rooms_lead_to_their_messages(admin_client, stored):
    page = admin_client.get(f"{ROOMS}?q=雑談").content.decode()
    assert f"/admin/chat/message/?room__id__exact={stored[0].room_id}" in page
    assert admin_client.get(f"{ROOMS}{stored[0].room_id}/change/").status_code == 200


def test_a_removed_text_is_gone_here_and_on_open_pages(admin_client, stored, published):
    response = remove(admin_client, stored[1])
    assert "The text of 1 message was removed." in response.content.decode()
    (first, second) = journal.after("雑談", 0)
    assert (first.text, first.is_removed) == ("hello world", False)
    assert (second.seq, second.text, second.is_removed) == (2, "", True)
    ((group, event),) = published
    assert group == journal.group("雑談")
    assert (event["type"], event["topic"], event["seq"]) == ("event", "雑談", None)
    assert json.loads(event["frames"]["chat.v1"]) == {"type": "removed", "seq": 2}
    # Members that are catching up get it too; another removal does not replace it.
    assert event["state"] == "changed 2"
    entry = LogEntry.objects.get()
    for language, line in {"en": f"Deleted text “{second}”.", "ja": f"本文 “{second}” を削除しました。"}.items():
        with translation.override(language):
            assert entry.get_change_message() == line


def test_removing_again_changes_nothing(admin_client, stored, published):
    remove(admin_client, stored[1])
    assert "The texts of 0 messages were removed." in remove(admin_client, stored[1]).content.decode()
    assert len(published) == 1


def test_nothing_is_added_edited_or_deleted(admin_client, stored):
    pk = stored[0].pk
    assert admin_client.get(f"{MESSAGES}add/").status_code == 403
    assert admin_client.post(f"{MESSAGES}add/", {}).status_code == 403
    assert admin_client.post(f"{MESSAGES}{pk}/change/", {"text": "forged"}).status_code == 403
    assert admin_client.post(f"{MESSAGES}{pk}/delete/", {"post": "yes"}).status_code == 403
    admin_client.post(MESSAGES, {"action": "delete_selected", "_selected_action": [pk], "post": "yes"})
    assert Message.objects.count() == 3
    assert Message.objects.get(pk=pk).text == "hello world"


def test_rooms_are_never_deleted(admin_client, stored):
    pk = stored[0].room_id
    assert admin_client.post(f"{ROOMS}{pk}/delete/", {"post": "yes"}).status_code == 403
    admin_client.post(ROOMS, {"action": "delete_selected", "_selected_action": [pk], "post": "yes"})
    assert set(Room.objects.values_list("name", "head")) == {("雑談", 2), ("other", 1)}


def test_who_may_only_view_removes_nothing(client, stored, published):
    staff(client, "view_message")
    assert "spam" in client.get(MESSAGES).content.decode()
    remove(client, stored[1])
    assert Message.objects.get(pk=stored[1].pk).text == "spam"
    assert published == []


def test_who_may_change_messages_removes(client, stored, published):
    staff(client, "change_message")
    remove(client, stored[1])
    assert Message.objects.get(pk=stored[1].pk).text == ""
    assert len(published) == 1

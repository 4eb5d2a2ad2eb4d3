"""Who may enter which room, and what is revoked when somebody may no longer."""

import json

import pytest
from django.contrib.auth.models import AnonymousUser
from django.test import Client
from django.urls import reverse

from accounts import tokens
from accounts.models import ApiToken, Revocation, User
from chat import access
from chat.access import Refusal, membership_subject, room_subject
from chat.journal import journal, message_draft
from chat.models import Ban, Membership, Room

pytestmark = pytest.mark.django_db
GUEST = AnonymousUser()


@pytest.fixture(autouse=True)
def unpublished(monkeypatch) -> None:
    monkeypatch.setattr("channels_live.journal.journal.publish", lambda *_: None)


@pytest.fixture
def rooms() -> dict[str, Room]:
    journal.append([message_draft(name, "1", "alice", f"text of {name}") for name in ("open", "club", "office")])
    Room.objects.filter(name="club").update(access="members")
    Room.objects.filter(name="office").update(access="staff")
    return {room.name: room for room in Room.objects.all()}


@pytest.fixture
def alice() -> User:
    return User.objects.create_user("alice")


def subjects() -> set[str]:
    return set(Revocation.objects.values_list("subject", flat=True))


def test_who_may_enter_which_room(rooms, alice, django_assert_num_queries):
    names = [*rooms, "nobody-was-here"]
    clerk = User.objects.create_user("clerk", is_staff=True)
    member = User.objects.create_user("member")
    Membership.objects.create(room=rooms["club"], user=member)
    with django_assert_num_queries(4):
        assert access.refusals(names, GUEST) == dict.fromkeys(["club", "office"], Refusal.LOGIN_NEEDED)
        assert access.refusals(names, alice) == dict.fromkeys(["club", "office"], Refusal.FORBIDDEN)
        assert access.refusals(names, clerk) == {"club": Refusal.FORBIDDEN}
        assert access.refusals(names, member) == {"office": Refusal.FORBIDDEN}
    for room in rooms.values():
        Ban.objects.create(room=room, user=member)
    assert access.refusals(names, member) == dict.fromkeys(rooms, Refusal.FORBIDDEN)


def test_pages_and_api_ask_it(rooms, alice, client):
    token = tokens.new_token()
    ApiToken.objects.create(user=alice, name="test", digest=tokens.digest(token))
    bot = Client(headers={"authorization": f"Bearer {token}"})
    for method in ("get", "post"):
        options = {"data": json.dumps({"message": "x"}), "content_type": "application/json"} if method == "post" else {}
        answer = getattr(client, method)("/api/rooms/club/messages", **options)
        assert (answer.status_code, answer.json()["error"]["code"]) == (401, "login_needed")
        answer = getattr(bot, method)("/api/rooms/club/messages", **options)
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "forbidden")
    page = client.get("/chat/club/")
    assert (page.status_code, "text of club" in page.content.decode()) == (403, False)
    shown = {room.name for room in client.get("/chat/").context["recent_rooms"]}
    assert shown == {"open"}
    Membership.objects.create(room=rooms["club"], user=alice)
    client.force_login(alice)
    assert "text of club" in client.get("/chat/club/").content.decode()
    assert {room.name for room in client.get("/chat/").context["recent_rooms"]} == {"open", "club"}
    assert bot.get("/api/rooms/club/messages").status_code == 200


def test_an_invalid_token_is_never_a_guest(rooms, client):
    answer = client.get("/api/rooms/open/messages", headers={"authorization": "Bearer made-up"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "invalid_token")


def test_where_guests_are_not_allowed(rooms, client, settings, alice):
    settings.CHANNELS_LIVE = settings.CHANNELS_LIVE | {"ALLOW_GUESTS": False}
    client = Client()
    assert client.get("/chat/open/").headers["location"] == "/accounts/login/?next=/chat/open/"
    answer = client.get("/api/rooms/open/messages")
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "login_needed")
    assert client.get("/accounts/login/").status_code == 200
    assert client.get("/accounts/signup/").status_code == 200
    assert "guest" not in client.cookies
    client.force_login(alice)
    assert client.get("/chat/open/").status_code == 200


def test_the_end_of_a_membership_and_a_ban_are_revoked(rooms, alice):
    membership = Membership.objects.create(room=rooms["club"], user=alice)
    assert subjects() == set()
    membership.delete()
    assert subjects() == {access.membership_subject("club", alice.pk)}
    Ban.objects.create(room=rooms["open"], user=alice)
    assert access.membership_subject("open", alice.pk) in subjects()
    rooms["open"].access = "members"
    rooms["open"].save(update_fields=["access"])
    assert access.room_subject("open") in subjects()
    Room.objects.create(name="new", access="staff")
    assert access.room_subject("new") in subjects()


def test_the_admin_changes_who_may_enter_and_no_number(rooms, alice, admin_client):
    room = rooms["open"]
    journal.append([message_draft("open", "2", "alice", "while the form was open")])
    form = {"access": "members", "_save": "1", "bans-0-user": alice.pk, "bans-0-reason": "spam"}
    for inline, total in (("memberships", 0), ("bans", 1)):
        form |= {f"{inline}-TOTAL_FORMS": total, f"{inline}-INITIAL_FORMS": 0}
    assert admin_client.post(f"/admin/chat/room/{room.pk}/change/", form).status_code == 302
    room.refresh_from_db()
    assert (room.access, room.head) == ("members", 2)
    assert list(Ban.objects.values_list("room__name", "user__username")) == [("open", "alice")]
    assert {access.room_subject("open"), access.membership_subject("open", alice.pk)} <= subjects()


@pytest.mark.parametrize("name", ["open\u115f", "оpen", "o\u034fpen", "\u3164", "open-αlice"], ids=ascii)
def test_a_new_room_with_a_deceptive_name_is_not_found(client, alice, name):
    assert access.refusals([name, "open"], GUEST) == {name: Refusal.NOT_FOUND}
    assert access.refusals([name], alice) == {name: Refusal.NOT_FOUND}
    assert client.get(reverse("chat:room", args=[name])).status_code == 404
    token = tokens.new_token()
    ApiToken.objects.create(user=alice, name="test", digest=tokens.digest(token))
    headers = {"Authorization": f"Bearer {token}"}
    path = reverse("chat_api:messages", args=[name])
    answer = client.post(path, {"message": "hello"}, "application/json", headers=headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "no_such_room")
    assert not Room.objects.exists()
    picked = client.get(reverse("chat:index"), {"room": name}, headers={"Accept-Language": "en"})
    assert picked.status_code == 400
    assert "This name could be mistaken for another one" in picked.text


@pytest.mark.parametrize("name", ["open\u115f", "оpen"], ids=ascii)
def test_an_existing_room_with_a_deceptive_name_stays_open(client, alice, name):
    journal.append([message_draft(name, "1", "alice", "an old text")])
    assert access.refusals([name], GUEST) == {}
    assert "an old text" in client.get(reverse("chat:room", args=[name])).text
    assert client.get(reverse("chat:index"), {"room": name}).status_code == 302
    Room.objects.update(access="members")
    assert access.refusals([name], alice) == {name: Refusal.FORBIDDEN}


def test_subjects_of_rooms_and_memberships_are_unchanged():
    """Sockets of another release end with an access by these texts."""
    assert room_subject("lobby") == "room:lobby"
    assert membership_subject("lobby", 7) == "seat:7:lobby"

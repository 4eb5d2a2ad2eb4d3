"""User names: new ones must be visible and must not look like another user's or a guest's; existing ones stay."""

import pytest
from django.contrib.auth.hashers import make_password
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection
from django.db.migrations.executor import MigrationExecutor
from django.db.models.signals import pre_save

from accounts.models import User
from accounts.usernames import skeleton_digest

PASSWORD = "correct horse battery"
INVISIBLE = ["\u115f", "\u1160", "\u3164", "\uffa0", "\u2800", "\u034f", "\ufe0f", "\U000e0100", "\u200b", "\u2060"]
FILLERS = ["\u115f", "\u1160", "\u3164", "\uffa0"]


def sign_up(client, name):
    data = {"username": name, "password1": PASSWORD, "password2": PASSWORD}
    return client.post("/accounts/signup/", data, headers={"Accept-Language": "en"})


def error_of(answer):
    return " ".join(answer.context["form"].errors["username"])


@pytest.mark.parametrize("character", INVISIBLE, ids=ascii)
@pytest.mark.parametrize("name", ["alice{}", "guest-abc234{}", "al{}ice", "{}", "{}{}{}"])
def test_sign_up_with_invisible_characters_is_refused(client, db, name, character):
    answer = sign_up(client, name.replace("{}", character))
    assert answer.status_code == 200
    assert not User.objects.exists()


@pytest.mark.parametrize("filler", FILLERS, ids=ascii)
def test_sign_up_names_invisible_letters_as_the_reason(client, db, filler):
    assert error_of(sign_up(client, f"alice{filler}")) == "Names can’t contain invisible characters."


@pytest.mark.parametrize(
    "name",
    ["guest-abc234", "Guest-abc234", "GUEST-ABC234", "guest_abc234", "guestーabc234", "_guest-abc234", "gueѕt-abc234"],
    ids=ascii,
)
def test_sign_up_with_a_name_like_a_guests_is_refused(client, db, name):
    assert error_of(sign_up(client, name)) == "That form is reserved for guests. Choose another username."


@pytest.mark.parametrize("name", ["аlice", "αlice", "alיce", "김ひ", "user१", "१1"], ids=ascii)
def test_sign_up_with_mixed_scripts_is_refused(client, db, name):
    assert "different scripts" in error_of(sign_up(client, name))


def test_sign_up_with_a_letter_of_a_dead_script_is_refused(client, db):
    assert error_of(sign_up(client, "\U00010330lice")) == "The character “\U00010330” can’t be used in names."


@pytest.mark.parametrize(
    "name",
    [
        "alice",
        "guesthouse",
        "Zoë",
        "花子",
        "ハナコ",
        "hanako花子",
        "東京タワー",
        "佐々木",
        "김철수",
        "kim김",
        "иван",
        "أحمد",
        "дан1",
        "Οδυσσέας",
    ],
    ids=ascii,
)
def test_sign_up_with_ordinary_names_of_many_scripts_succeeds(client, db, name):
    assert sign_up(client, name).status_code == 302
    assert User.objects.get().username


@pytest.mark.parametrize(("name", "alike"), [("alIce", "allce"), ("coco", "сосо"), ("modern", "modem"), ("b0b", "bOb")])
def test_a_confusable_name_is_taken(client, db, name, alike):
    user = User.objects.create_user(name)
    taken = "This name, or one that looks like it, is taken."
    assert error_of(sign_up(client, alike)) == taken
    with pytest.raises(IntegrityError):
        User.objects.create_user(alike)
    user.delete()
    assert sign_up(client, alike).status_code == 302


@pytest.mark.parametrize("taken", ["alIce", "allce", "ALICE"])
def test_losing_a_sign_up_race_shows_a_form_error(client, db, taken):
    def somebody_else_signs_up(instance, **_):
        pre_save.disconnect(somebody_else_signs_up, sender=User)
        User.objects.create_user(taken)

    pre_save.connect(somebody_else_signs_up, sender=User)
    assert error_of(sign_up(client, "alIce")) == "This name, or one that looks like it, is taken."


@pytest.mark.parametrize("name", ["alice\u115f", "аlice", "guest-abc234", "a11ce"], ids=ascii)
def test_createsuperuser_refuses_deceptive_names(db, monkeypatch, name):
    User.objects.create_user("allce")
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", PASSWORD)
    with pytest.raises(CommandError):
        call_command("createsuperuser", interactive=False, username=name, email="a@example.com")


@pytest.mark.parametrize("name", ["guest-abc234", "al\u3164ice", "аlice", "\U00010330lice", "a11ce"], ids=ascii)
def test_every_refusal_is_translated_into_japanese(client, db, settings, name):
    User.objects.create_user("allce")
    settings.LANGUAGE_CODE = "ja"
    answer = client.post("/accounts/signup/", {"username": name}, headers={"Accept-Language": "ja"})
    sentence = answer.context["form"].errors["username"][0]
    assert sentence.startswith(
        ("「guest-」＋6文字", "目に見えない文字", "ラテン文字と", "「\U00010330」は", "ほかのユーザー名と")
    )


def test_admin_refuses_a_name_of_mixed_scripts(admin_client):
    answer = admin_client.post(
        "/admin/accounts/user/add/",
        {"username": "аlice", "password1": PASSWORD, "password2": PASSWORD, "usable_password": "true"},
    )
    assert "different scripts" in str(answer.context["adminform"].form.errors["username"])


@pytest.fixture(autouse=True)
def in_english_and_fast(settings):
    settings.LANGUAGE_CODE = "en"
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def existing(db):
    """Existing users whose names look alike, or like a guest's."""
    names = ["alice", "alice\u115f", "аlice", "guest-abc234"]
    # bulk_create does not call save, so they have no skeleton, like users that the previous release made.
    User.objects.bulk_create(User(username=name, password=make_password(PASSWORD)) for name in names)
    return names


def test_existing_users_with_deceptive_names_log_in(client, existing):
    for name in existing * 2:
        answer = client.post("/accounts/login/", {"username": name, "password": PASSWORD})
        assert answer.status_code == 302, ascii(name)
        client.logout()
    # The first to log in gets the skeleton that three names share.
    assert list(User.objects.order_by("pk").values_list("skeleton", flat=True)) == [
        skeleton_digest("alice"), None, None, skeleton_digest("guest-abc234"),
    ]  # fmt: skip


def test_existing_users_with_deceptive_names_can_be_deactivated_and_renamed(admin_client, existing):
    user = User.objects.get(username="аlice")
    form = {"username": user.username, "date_joined_0": "2026-01-01", "date_joined_1": "00:00"}
    # Without is_active, which is a ban.
    answer = admin_client.post(f"/admin/accounts/user/{user.pk}/change/", form)
    assert answer.status_code == 302, answer.context["adminform"].form.errors
    user.refresh_from_db()
    assert not user.is_active
    answer = admin_client.post(f"/admin/accounts/user/{user.pk}/change/", form | {"username": "alicе"})
    assert "different scripts" in str(answer.context["adminform"].form.errors)
    answer = admin_client.post(f"/admin/accounts/user/{user.pk}/change/", form | {"username": "carol"})
    assert answer.status_code == 302
    user.refresh_from_db()
    assert user.skeleton == skeleton_digest("carol")


def test_renaming_a_user_frees_the_old_name(db):
    user = User.objects.create_user("alice")
    user.username = "bob"
    user.save(update_fields=["username"])
    User.objects.create_user("alice")
    with pytest.raises(IntegrityError):
        User.objects.create_user("b\u115fob")


@pytest.mark.django_db(transaction=True)
def test_migration_accepts_users_whose_names_look_alike():
    executor = MigrationExecutor(connection)
    executor.migrate([("accounts", "0003_ticket_revocation")])
    old = executor.loader.project_state([("accounts", "0003_ticket_revocation")]).apps.get_model("accounts", "User")
    names = ["alice", "аlice", "alice\u3164", "bob", *(f"many{number:x}x" for number in range(600))]
    old.objects.bulk_create(old(username=name, password="!") for name in names)
    try:
        # The release before inserts a row while the new column is there already.
        executor = MigrationExecutor(connection)
        executor.migrate([("accounts", "0004_user_skeleton")])
        old.objects.create(username="al\u115fice", password="!")
    finally:
        executor = MigrationExecutor(connection)
        executor.migrate(executor.loader.graph.leaf_nodes())
    skeletons = dict(User.objects.values_list("username", "skeleton"))
    assert skeletons["alice"] == skeleton_digest("alice")
    assert [skeletons[name] for name in ("аlice", "alice\u3164", "al\u115fice")] == [None] * 3
    assert skeletons["bob"]
    assert skeletons["many257x"]

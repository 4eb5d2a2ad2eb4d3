"""What a window says and does when its right to be in the room has ended."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from secrets import token_hex

import pytest
from playwright.sync_api import Page, expect

from deploy.local import Stack
from deploy.local.stack import ROOT
from tests.chat.browser.room_page import RoomPage

PASSWORD = "correct horse battery"


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack of our own: bans are made with manage.py."""
    with Stack(tmp_path_factory.mktemp("revocation")) as stack:
        yield stack


@pytest.fixture
def base_url(stack: Stack) -> str:
    return stack.url


def sign_up(page: Page, room: str) -> str:
    name = f"user-{token_hex(4)}"
    page.goto(f"/accounts/signup/?next=/chat/{room}/")
    page.get_by_label("Username").fill(name)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("Password confirmation").fill(PASSWORD)
    page.locator("main button").click()
    RoomPage(page).wait_connected()
    expect(page.locator(".author")).to_have_text(name)
    return name


def shell(stack: Stack, code: str) -> None:
    command = [sys.executable, str(ROOT / "manage.py"), "shell", "-v0", "-c", code]
    subprocess.run(command, env={**os.environ, **stack.environment}, timeout=60, check=True)


def test_a_logout_in_one_tab_makes_the_other_a_guests(page: Page, room: str) -> None:
    name = sign_up(page, room)
    other = page.context.new_page()
    RoomPage(other).enter(room)
    expect(other.locator(".author")).to_have_text(name)
    page.get_by_role("button", name="Log out").click()
    # It comes back as somebody else, and loads itself anew.
    expect(other.locator(".author")).to_contain_text("guest-")
    RoomPage(other).wait_connected()


def test_a_changed_password_ends_the_login_and_keeps_what_is_in_the_composer(
    stack: Stack, page: Page, room: str
) -> None:
    name = sign_up(page, room)
    entered = RoomPage(page)
    entered.input.fill("half a sentence")
    shell(
        stack,
        f"from accounts.models import User\nuser = User.objects.get(username={name!r})\n"
        f"user.set_password({PASSWORD + '!'!r})\nuser.save()",
    )
    # Nobody goes on as a guest under the account's name.
    expect(entered.connection_state).to_have_text("You’ve been logged out. Log in again")
    expect(entered.input).to_be_hidden()
    entered.connection_state.get_by_role("link", name="Log in again").click()
    page.locator("[name=username]").fill(name)
    page.locator("[name=password]").fill(f"{PASSWORD}!")
    page.locator("main button").click()
    entered.wait_connected()
    expect(page.locator(".author")).to_have_text(name)
    expect(entered.input).to_have_value("half a sentence")


def test_a_ban_shows_its_message(stack: Stack, new_page: Callable[..., Page], room: str) -> None:
    page, japanese = new_page(), new_page(locale="ja-JP")
    name = sign_up(page, room)
    state = RoomPage(page).connection_state
    RoomPage(page).say("hello")
    RoomPage(page).expect_transcript("hello")
    shell(
        stack,
        "from accounts.models import User\nfrom chat.models import Ban, Room\n"
        f"room, user = Room.objects.get(name={room!r}), User.objects.get(username={json.dumps(name)})\n"
        "Ban.objects.create(room=room, user=user)",
    )
    expect(state).to_have_text("You no longer have access to this room.")
    expect(RoomPage(page).input).to_be_hidden()
    page.reload()
    expect(page.locator("h1")).to_have_text("You don’t have access")
    # Guests are not banned with them.
    RoomPage(japanese).enter(room)

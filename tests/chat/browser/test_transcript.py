"""How messages look: days, groups, authors, times, links and code."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from secrets import token_hex

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.chat.browser.line import Line
from tests.chat.browser.room_page import RoomPage

NewPage = Callable[..., Page]
NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


class Script:
    """Gives a window messages of any author and any time, as the server would."""

    def __init__(self, page: Page, room: str) -> None:
        self.line = Line(page)
        self.window = RoomPage(page).enter(room)
        self._seq = 0

    def message(self, text: str, author: str = "bob", at: datetime = NOON) -> Locator:
        self._seq += 1
        sent_at = at.isoformat().replace("+00:00", "Z")
        frame = {"seq": self._seq, "id": f"m{self._seq}", "message": text, "author": author, "sent_at": sent_at}
        self.line.inject(type="message", **frame)
        item = self.window.log.locator(f"[data-seq='{self._seq}']")
        expect(item).to_be_attached()
        return item


@pytest.fixture(scope="module")
def shared_script(new_shared_page: NewPage) -> Script:
    return Script(new_shared_page(), f"room-{token_hex(4)}")


def shown_names(window: RoomPage) -> list[str]:
    """The names that are seen, not only heard."""
    return window.messages.locator(".avatar:visible + .meta .name").all_inner_texts()


def test_consecutive_messages_of_one_author_are_a_group(page: Page, room: str) -> None:
    script = Script(page, room)
    for minutes, author in ((0, "bob"), (1, "bob"), (2, "carol"), (3, "bob"), (7, "bob"), (13, "bob")):
        script.message(f"at {minutes}", author, NOON + timedelta(minutes=minutes))
    # A new group after another author, and after five minutes.
    assert shown_names(script.window) == ["bob", "carol", "bob", "bob"]
    # Who listens rather than looks hears the name of each.
    expect(script.window.messages.locator(".name")).to_have_text(["bob", "bob", "carol", "bob", "bob", "bob"])


def test_a_message_that_arrives_late_splits_the_group(new_page: NewPage, room: str) -> None:
    page, delayed = new_page(), []
    line = Line(page)
    alice, bob = RoomPage(page).enter(room), RoomPage(new_page()).enter(room)
    alice.say("one")
    alice.expect_transcript("one")
    line.to_page = lambda frame: delayed.append(frame) or [] if frame["type"] == "message" else [frame]
    bob.say("two")
    bob.expect_transcript("one", "two")
    alice.say("three")
    alice.expect_transcript("one", "three")
    assert len(shown_names(alice)) == 1
    line.wait(lambda: len(delayed) == 2)
    for frame in delayed:
        line.inject(**frame)
    alice.expect_transcript("one", "two", "three")
    assert len(shown_names(alice)) == 3


@pytest.mark.parametrize(
    ("zone", "days"),
    [("Asia/Tokyo", ["Friday 20 November", "Saturday 21 November"]), ("Europe/London", ["Friday 20 November"])],
)
def test_days_are_separated_as_the_viewers_calendar_says(
    new_page: NewPage, room: str, zone: str, days: list[str]
) -> None:
    page = new_page(timezone_id=zone, locale="en-GB")
    page.clock.install(time=NOON + timedelta(days=3))
    script = Script(page, room)
    for hours in (0, 1, 4):
        script.message(f"{hours} hours later", at=NOON + timedelta(hours=hours))
    expect(page.locator("#chat-log .day")).to_have_text(days)
    # 13:00 UTC is 22:00 in Tokyo, 16:00 is 01:00 of the next day.
    expect(page.get_by_role("heading", level=2, name=days[0])).to_be_visible()


def test_the_first_message_of_a_day_leaves_no_day_behind_when_it_is_stored(page: Page, room: str) -> None:
    window = RoomPage(page).enter(room)
    window.say("one")
    window.expect_state("one", "Sent")
    items = window.log.locator(".day, .message").evaluate_all("items => items.map(item => item.tagName)")
    assert items == ["H2", "ARTICLE"]


@pytest.mark.parametrize(
    ("locale", "today", "yesterday"), [("en-GB", "today", "yesterday"), ("ja-JP", "今日", "昨日")], ids=["en", "ja"]
)
def test_recent_days_have_their_name(new_page: NewPage, room: str, locale: str, today: str, yesterday: str) -> None:
    page = new_page(locale=locale, timezone_id="UTC")
    page.clock.install(time=NOON)
    script = Script(page, room)
    script.message("before", at=NOON - timedelta(days=1))
    script.message("now", at=NOON)
    expect(page.locator("#chat-log .day")).to_have_text([yesterday, today])
    # The next morning the page is still open.
    page.clock.run_for(timedelta(hours=13) / timedelta(milliseconds=1))
    script.window.wait_connected()
    script.message("good morning", at=NOON + timedelta(hours=13))
    expect(page.locator("#chat-log .day").nth(1)).to_have_text(yesterday)
    expect(page.locator("#chat-log .day").nth(2)).to_have_text(today)


@pytest.mark.parametrize(
    ("locale", "full"),
    [("en-GB", "Friday,? 20 November 2026 at 21:00"), ("ja-JP", "2026年11月20日金曜日 21:00")],
    ids=["en", "ja"],
)
def test_the_whole_date_shows_on_hover(new_page: NewPage, room: str, locale: str, full: str) -> None:
    page = new_page(locale=locale, timezone_id="Asia/Tokyo")
    time = Script(page, room).message("hello").locator("time")
    expect(time).to_have_text("21:00")
    expect(time).to_have_attribute("title", re.compile(full))
    expect(time).to_have_attribute("datetime", "2026-11-20T12:00:00.000Z")


def test_a_grouped_message_shows_its_hour_under_the_pointer(page: Page, room: str) -> None:
    script = Script(page, room)
    script.message("one")
    second = script.message("two")
    expect(second.locator("time")).to_have_css("opacity", "0")
    second.hover()
    expect(second.locator("time")).to_have_css("opacity", "1")


@pytest.mark.parametrize("locale", ["en-GB", "en-US", "en-AU", "en-IN", "ja-JP", "ja-JP-u-hc-h12"])
@pytest.mark.parametrize("width", [360, 1280])
def test_the_time_of_a_grouped_message_is_one_line_beside_its_text(
    new_page: NewPage, room: str, locale: str, width: int
) -> None:
    page = new_page(locale=locale, timezone_id="UTC", viewport={"width": width, "height": 700})
    script = Script(page, room)
    script.message("one", at=NOON + timedelta(hours=10, minutes=52))
    item = script.message("two", at=NOON + timedelta(hours=10, minutes=53))
    item.hover()
    rectangles = "item => ['.meta time', 'p'].map((part) => item.querySelector(part).getBoundingClientRect().toJSON())"
    time, text = item.evaluate(rectangles)
    assert time["right"] <= text["left"]
    assert time["left"] >= item.evaluate("item => item.getBoundingClientRect().left")
    assert time["height"] < 20
    assert abs((time["top"] + time["bottom"]) / 2 - (text["top"] + text["bottom"]) / 2) < 4


def test_own_messages_are_set_apart_under_every_name_of_a_guest(new_page: NewPage, room: str) -> None:
    page = new_page()
    script = Script(page, room)
    me = page.locator("header .author").inner_text()
    mine = script.message("mine", me)
    renamed = script.message("mine too", f"花子#{me.removeprefix('guest-')}")
    other = script.message("not mine", "花子#aaaaaa")
    background = "item => getComputedStyle(item).backgroundColor"
    assert mine.evaluate(background) == renamed.evaluate(background) != other.evaluate(background)


@pytest.mark.parametrize(
    ("name", "letters"),
    [
        ("alice", "A"),
        ("Alice Smith", "AS"),
        ("guest-k7m2xq", "GK"),
        ("花子#k7m2xq", "花"),
        ("👩‍🚒 rescue#k7m2xq", "👩‍🚒R"),
        ("___", ""),
        ("e" + "\u0301" * 400, "E"),
        ("عمر", "ع"),
    ],
    ids=ascii,
)
def test_an_author_has_a_colour_and_letters(shared_script: Script, name: str, letters: str) -> None:
    item = shared_script.message("hello", name)
    expect(item.locator(".avatar")).to_have_text(letters)
    expect(item.locator(".name")).to_have_text(name)
    hue = int(item.evaluate("item => item.style.getPropertyValue('--hue')"))
    assert 0 <= hue < 360


CONTRASTS = """() => {
  const context = Object.assign(document.createElement("canvas"), { width: 1, height: 1 }).getContext("2d");
  const luminance = (colour) => {
    context.fillStyle = colour;
    context.fillRect(0, 0, 1, 1);
    const [red, green, blue] = Array.from(context.getImageData(0, 0, 1, 1).data, (value) => {
      const part = value / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const contrast = (...colours) => {
    const [light, dark] = colours.map(luminance).sort((one, other) => other - one);
    return (light + 0.05) / (dark + 0.05);
  };
  const item = document.querySelector(".message");
  const [name, avatar] = [item.querySelector(".name"), item.querySelector(".avatar")];
  const root = getComputedStyle(document.documentElement);
  const surfaces = ["--surface", "--tint", "--hover"].map((token) => root.getPropertyValue(token));
  return Array.from({ length: 360 }, (_, hue) => {
    item.style.setProperty("--hue", hue);
    const disc = getComputedStyle(avatar);
    return Math.min(
      contrast(disc.color, disc.backgroundColor),
      ...surfaces.map((surface) => contrast(getComputedStyle(name).color, surface)),
    );
  });
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_colour_of_an_author_can_be_read(new_page: NewPage, room: str, scheme: str) -> None:
    """WCAG 2.2, 1.4.3: 4.5 to 1."""
    page = new_page(color_scheme=scheme)
    Script(page, room).message("hello")
    assert min(page.evaluate(CONTRASTS)) >= 4.5


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("see https://example.com/a?b=1#c for more", "https://example.com/a?b=1#c"),
        ("https://example.com.", "https://example.com"),
        ("(https://example.com/x_(y))", "https://example.com/x_(y)"),
        ("https://example.comを見て", "https://example.com"),
        ("「https://example.com/日本語」です", "https://example.com/日本語"),
        ("http://127.0.0.1:8080/chat/!", "http://127.0.0.1:8080/chat/"),
        ("https://example.com/\u202egpj.exe", "https://example.com/"),
    ],
    ids=ascii,
)
def test_an_address_is_a_link(shared_script: Script, text: str, address: str) -> None:
    item = shared_script.message(text)
    link = item.locator("p a")
    expect(link).to_have_text(address)
    assert item.locator("p").evaluate("text => text.textContent") == text
    assert link.evaluate("link => decodeURI(link.href).replace(/\\/$/, '')") == address.rstrip("/")
    # Neither the other page nor its server learns which room this is.
    expect(link).to_have_attribute("rel", "noopener noreferrer nofollow ugc")
    expect(link).to_have_attribute("target", "_blank")


@pytest.mark.parametrize(
    "text",
    [
        "javascript:alert(1)",
        "data:text/html,x",
        "https://",
        "https://аррӏе.com/",
        "ftp://example.com",
        "x.com",
        "https://:@/",
    ],
    ids=ascii,
)
def test_what_is_no_web_address_is_text(shared_script: Script, text: str) -> None:
    item = shared_script.message(text)
    expect(item.locator("p")).to_have_text(text)
    expect(item.locator("a")).to_have_count(0)


def test_code_in_backticks_and_line_breaks(page: Page, room: str) -> None:
    script = Script(page, room)
    texts = ["Run `make <run>` now", "```python\nif a:\n    b()\n```\nafter", "`` one ` two", "line\n  line"]
    items = [script.message(text) for text in texts]
    expect(items[0].locator("code")).to_have_text("make <run>")
    assert items[1].locator("code.block").inner_text() == "if a:\n    b()"
    expect(items[2].locator("code")).to_have_text("one")
    height = "item => item.querySelector('p').offsetHeight"
    assert items[3].evaluate(height) > 1.5 * items[0].evaluate(height)
    # The transcript is what was typed.
    assert script.window.log.evaluate("log => log.value") == "".join(f"{text}\n" for text in texts)


def test_the_page_itself_and_the_script_lay_messages_out_alike(new_page: NewPage, room: str) -> None:
    alice, bob = RoomPage(new_page()).enter(room), RoomPage(new_page()).enter(room)
    for number, speaker in enumerate((alice, alice, bob, alice, bob, bob)):
        speaker.say(f"message {number}")
        for window in (alice, bob):
            window.expect_transcript(*(f"message {said}" for said in range(number + 1)))
    plain = new_page(java_script_enabled=False)
    plain.goto(f"/chat/{room}/")
    follows = "items => items.map((item) => item.classList.contains('follows'))"
    expected = [False, True, False, False, False, True]
    assert bob.messages.evaluate_all(follows) == expected
    assert plain.locator(".message").evaluate_all(follows) == expected
    expect(plain.locator(".day")).to_have_count(1)

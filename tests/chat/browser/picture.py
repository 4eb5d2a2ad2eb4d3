"""The pictures of the README and docs, through the real stack. Not named test_*, so that only this writes them::

.venv/bin/python -m pytest tests/chat/browser/picture.py
"""

import base64
from collections.abc import Callable
from pathlib import Path
from secrets import token_hex

from playwright.sync_api import Page, expect

from tests.chat.browser.room_page import RoomPage

DOCS = Path(__file__).resolve().parents[3] / "docs"
NewPage = Callable[..., Page]
DESKTOP, PHONE = {"width": 980, "height": 560}, {"width": 320, "height": 560}
DAY = {"color_scheme": "light", "locale": "ja-JP", "timezone_id": "Asia/Tokyo"}
NIGHT = {"color_scheme": "dark", "locale": "en-GB", "timezone_id": "Asia/Tokyo"}
SHEET = """<style>
body {{ margin: 0; display: flex; justify-content: center; gap: 20px; padding: 12px; }}
img {{ height: 560px; border-radius: 12px; box-shadow: 0 0 0 1px rgb(128 128 128 / .4); }}
</style>{}"""


def user(page: Page, name: str) -> RoomPage:
    """Make an account. Of these names, each has a colour of its own."""
    password = token_hex(12)
    page.goto("/accounts/signup/")
    page.locator("[name=username]").fill(name)
    page.locator("[name=password1]").fill(password)
    page.locator("[name=password2]").fill(password)
    page.locator("main button").click()
    return RoomPage(page)


def save(new_page: NewPage, name: str, *windows: Page) -> None:
    """Put what the windows show side by side into a picture."""
    pictures = [base64.b64encode(window.screenshot()).decode() for window in windows]
    sheet = new_page(viewport={"width": 100, "height": 584})
    sheet.set_content(SHEET.format("".join(f'<img src="data:image/png;base64,{data}">' for data in pictures)))
    width = sheet.evaluate("[...document.images].reduce((sum, { width }) => sum + width + 20, 4)")
    sheet.set_viewport_size({"width": width, "height": 584})
    sheet.screenshot(path=DOCS / name, omit_background=True)


def test_pictures(new_page: NewPage) -> None:
    """A conversation of three, by night on a desktop and by day on a phone; then where it began."""
    night = user(new_page(viewport=DESKTOP, **NIGHT), "ben")
    day = user(new_page(viewport=PHONE, **DAY), "花子")
    other = user(new_page(**DAY), "健")
    for room in ("design", "random", "お知らせ", "開発"):
        other.enter(room).say("👋")
        other.expect_transcript("👋")
    for window in (night, day, other):
        window.enter("雑談")
    conversation = [
        (day, "おはようございます。今日のリリース、準備はどうですか？"),
        (other, "テストはすべて通りました。"),
        (other, "手順はこちらです: https://channels.readthedocs.io/"),
        (night, "Good morning! I killed `ws-1` while people were writing, and nothing was lost."),
        (day, "すごい。再起動しても\n全員すぐ戻ってきますね。"),
        (other, "では10時に公開します。"),
    ]
    for number, (speaker, text) in enumerate(conversation, start=1):
        speaker.say(text)
        for window in (night, day, other):
            expect(window.messages).to_have_count(number)
    night.say("Great, I will watch the dashboards.")
    for window in (night, day):
        expect(window.messages).to_have_count(7)
        expect(window.page.locator("#members li")).to_have_count(3)
    expect(night.messages.locator(".sent:visible")).to_have_count(1)
    day.input.press_sequentially("お願い")
    expect(night.typing).not_to_be_empty()
    save(new_page, "chat.png", night.page, day.page)

    # Where it began; the three are still in their room.
    visitors = [new_page(viewport=DESKTOP, **DAY), new_page(viewport=PHONE, **NIGHT)]
    for visitor in visitors:
        visitor.goto("/chat/")
        expect(visitor.locator("#busy-rooms .count").first).to_contain_text("3")
        expect(visitor.locator("#recent-rooms [data-room]")).to_have_count(5)
    save(new_page, "rooms.png", *visitors)

"""The README's picture, through the real stack. Not named test_*, so that only this writes it::

.venv/bin/python -m pytest tests/browser/picture.py
"""

import base64
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.browser.room_page import RoomPage

PICTURE = Path(__file__).resolve().parents[2] / "docs/chat.png"
WINDOW = {"width": 560, "height": 440}
SCALE = 1.25
SHEET = """<style>
body {{ margin: 0; display: flex; justify-content: center; gap: 24px; padding: 16px; }}
img {{ width: 560px; border-radius: 10px; box-shadow: 0 0 0 1px rgb(128 128 128 / .35); }}
</style>{}"""


def test_picture(new_page: Callable[..., Page]) -> None:
    """Two windows in one room: a Japanese one by day, an English one by night."""
    alice = RoomPage(new_page(viewport=WINDOW, device_scale_factor=SCALE, locale="ja-JP", color_scheme="light"))
    bob = RoomPage(new_page(viewport=WINDOW, device_scale_factor=SCALE, locale="en-GB", color_scheme="dark"))
    conversation = [
        (alice, "おはようございます。新しいチャットの動作確認です。"),
        (bob, "Good morning! Loud and clear over here."),
        (alice, "Redis を通って、別のプロセスまで届いています。"),
    ]
    for window in (alice, bob):
        window.enter("雑談")
    for number, (speaker, text) in enumerate(conversation, start=1):
        speaker.say(text)
        for window in (alice, bob):
            window.expect_transcript(*(said for _, said in conversation[:number]))
    bob.input.fill("See you in the next release")
    expect(alice.typing).not_to_be_empty()

    images = "".join(
        f'<img src="data:image/png;base64,{base64.b64encode(window.page.screenshot()).decode()}">'
        for window in (alice, bob)
    )
    sheet = new_page(viewport={"width": 1176, "height": 472}, device_scale_factor=SCALE)
    sheet.set_content(SHEET.format(images))
    sheet.screenshot(path=PICTURE, omit_background=True)

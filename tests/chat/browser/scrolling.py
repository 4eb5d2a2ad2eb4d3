"""How smoothly a transcript of 10,000 messages scrolls. Not named test_*: it measures, and asserts no time::

.venv/bin/python -m pytest -s tests/chat/browser/scrolling.py
"""

import statistics
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.chat.browser.room_page import RoomPage

# The first is what the second is compared with.
SIZES = [500, 10_000]
BATCH = 200
POST = """async ([path, from, count]) => {
  const socket = new WebSocket(new URL(path, location.href.replace(/^http/, "ws")), "chat.v1");
  await new Promise((resolve) => { socket.onopen = resolve; });
  let missing = count;
  const done = new Promise((resolve) => {
    socket.onmessage = ({ data }) => {
      if (JSON.parse(data).type === "ack" && !--missing) resolve();
    };
  });
  for (let number = from; number < from + count; number += 1) {
    const message = `message ${number} ` + "of some length, with https://example.com/ and code ".repeat(number % 4);
    socket.send(JSON.stringify({ type: "message", id: crypto.randomUUID(), message }));
  }
  await done;
  socket.close();
}"""
FRAMES = """() => {
  window.deltas = [];
  let last = performance.now();
  const frame = (now) => {
    deltas.push(now - last);
    last = now;
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
}"""


def report(page: Page, what: str) -> None:
    deltas = sorted(page.evaluate("deltas.splice(0).slice(2)"))
    late = sum(delta > 34 for delta in deltas)
    print(
        f"{what:<34} {len(deltas):5} frames, median {statistics.median(deltas):5.1f} ms, "
        f"95 % below {deltas[len(deltas) * 95 // 100]:5.1f} ms, longest {deltas[-1]:5.1f} ms, {late} over 34 ms"
    )


@pytest.mark.timeout(600)
@pytest.mark.parametrize("messages", SIZES)
def test_scrolling(new_page: Callable[..., Page], room: str, messages: int) -> None:
    writer, reader = new_page(), RoomPage(new_page(viewport={"width": 1280, "height": 800})).enter(room)
    page = reader.page
    writer.goto("/accounts/login/")
    for start in range(0, messages, BATCH):
        writer.evaluate(POST, [f"/ws/chat/{room}/", start, min(BATCH, messages - start)])
    expect(reader.messages).to_have_count(messages, timeout=120_000)
    devtools = page.context.new_cdp_session(page)
    page.evaluate(FRAMES)

    def scroll(distance: int, speed: int) -> None:
        gesture = {"x": 640, "y": 400, "yDistance": distance, "speed": speed, "gestureSourceType": "mouse"}
        devtools.send("Input.synthesizeScrollGesture", gesture)

    print(f"\n{messages:,} messages")
    scroll(4_000, 1_000)
    report(page, "scrolled at 1,000 pixels a second")
    scroll(10_000, 10_000)
    report(page, "scrolled at 10,000 pixels a second")
    reader.log.evaluate("log => { log.scrollTop = 0; }")
    page.wait_for_timeout(500)
    page.evaluate("deltas.splice(0)")
    for number in range(20):
        writer.evaluate(POST, [f"/ws/chat/{room}/", messages + number, 1])
    report(page, "read along while 20 came")
    reader.input.press_sequentially("typed into the composer", delay=50)
    report(page, "typed")

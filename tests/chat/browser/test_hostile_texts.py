"""Texts that want to be more than text."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from chat.text import clean
from deploy.local.stack import ROOT
from tests.chat.browser.line import Line
from tests.chat.browser.room_page import RoomPage

NewPage = Callable[..., Page]
LIMIT = 4000
TEXTS = {
    "markup": "<script>document.title=1</script><img src=x onerror='document.title=1'><style>*{display:none}</style>",
    "a link that is none": "[x](javascript:alert(1)) <a href='javascript:alert(1)'>x</a> javascript:alert(1)",
    "markup in an address": 'https://example.com/"onmouseover="document.title=\'owned\'" x',
    "markup in code": "`<img src=x onerror=document.title='owned'>`",
    "template syntax": "{{ 7 * 7 }} {% now 'Y' %} ${7 * 7} {name} {count}",
    "bidi overrides": "\u202edeppilf\u202c \u2066\u2067\u2068 \u202e\u202d",
    "combining marks": "Z" + "\u0315\u0321\u0346\u0362" * (LIMIT // 4 - 1),
    "only combining marks": "\u0489" * LIMIT,
    "one long word": "w" * LIMIT,
    "very many lines": "\n" * (LIMIT - 1) + "x",
    "other controls": "a\u0001\u0007\u001b[31m\u007f\u0085\u2028\u2029\ufeffb",
    "not characters": "a\ufdd0\ufffe\uffff\U0010ffffb",
    "many backticks": "`" * LIMIT,
    "many beginnings of addresses": "https://" * (LIMIT // 8),
    "many brackets": "https://a.b/" + ")" * (LIMIT - 12),
}


@pytest.fixture(scope="module")
def shared_windows(new_shared_page: NewPage) -> list[RoomPage]:
    return [RoomPage(new_shared_page()) for _ in range(3)]


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_it_is_shown_as_harmless_text(shared_windows: list[RoomPage], room: str, text: str) -> None:
    *present, later = shared_windows
    alice, bob = (window.enter(room) for window in present)
    alice.say("before")
    bob.expect_transcript("before")
    # Not filled in: Chromium lays the field out anew for each of 4,000 line breaks, which takes 20 s.
    alice.input.evaluate("(input, text) => { input.value = text; }", text)
    alice.input.press("Enter")
    expect(bob.messages).to_have_count(2)
    alice.say("after")
    expect(bob.messages).to_have_count(3)
    later.enter(room)
    for window in shared_windows:
        assert window.log.evaluate("log => log.value") == f"before\n{clean(text)}\nafter\n"
        expect(window.page).to_have_title(f"{room} · channels-stack")
        expect(window.messages.locator("img, script, style, [onmouseover], a[href^='javascript']")).to_have_count(0)
        # Nothing is painted outside its own message, nor makes the page wider.
        overflows = window.messages.evaluate_all("items => items.map((item) => getComputedStyle(item).overflow)")
        assert set(overflows) == {"clip"}
        assert window.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        expect(window.messages.last).to_be_in_viewport(ratio=1)


def test_everyone_sees_what_is_stored_also_who_wrote_it(new_page: NewPage, room: str) -> None:
    alice, bob = RoomPage(new_page()).enter(room), RoomPage(new_page()).enter(room)
    alice.input.evaluate("input => { input.value = 'a\\0b \\u202eevil'; }")
    alice.input.press("Enter")
    for window in (alice, bob):
        window.expect_transcript("ab \u202eevil\u202c")


# Takes the page's own limit away before its modules run, so that the server's is reached.
WITHOUT_LIMIT = """
new MutationObserver(() => {
  const input = document.querySelector("#chat-message-input");
  if (input) input.dataset.max = 1000000;
}).observe(document, { childList: true, subtree: true });
"""


@pytest.mark.parametrize("text", ["\u0301" * 32 * 1024, "x" + "\u0301" * 40 * 1024], ids=["64 KiB", "80 KiB"])
def test_what_is_over_the_limit_is_refused_and_kept_with_its_sender(new_page: NewPage, room: str, text: str) -> None:
    page = new_page()
    page.add_init_script(WITHOUT_LIMIT)
    alice, bob = RoomPage(page).enter(room), RoomPage(new_page()).enter(room)
    alice.input.evaluate("(input, text) => { input.value = text; }", text)
    # Chromium takes long to shape so many marks.
    alice.input.press("Enter", timeout=90_000)
    expect(alice.messages.locator(".failed")).to_be_visible()
    assert alice.messages.first.evaluate("item => item.offsetHeight") < 200
    alice.wait_connected()
    alice.say("short")
    bob.expect_transcript("short")


def test_half_a_surrogate_pair_is_refused(page: Page, room: str) -> None:
    entered = RoomPage(page).enter(room)
    entered.input.evaluate("input => { input.value = 'a\\ud800b'; }")
    entered.input.press("Enter")
    expect(entered.messages.locator(".failed")).to_be_visible()


def test_a_name_cannot_turn_or_hide_what_is_beside_it(page: Page, room: str) -> None:
    """No name with such characters can be chosen; one may come from elsewhere all the same."""
    line = Line(page)
    # The server's own count may come at any time, and would take the injected one's place.
    line.to_page = lambda frame: [] if frame["type"] == "presence" else [frame]
    entered = RoomPage(page).enter(room)
    name = "<b>\u202eevil" + "\u0301" * 120
    frame = {"message": "hello", "author": name, "sent_at": "2026-11-23T10:00:00.000Z"}
    line.inject(type="message", seq=1, id="a", **frame)
    line.inject(type="typing", author=name)
    line.inject(type="presence", count=2, members=[name, "bob"])
    message = entered.messages.first
    expect(message.locator("b")).to_have_count(0)
    expect(page.locator("#members li")).to_have_count(2)
    assert message.evaluate("item => getComputedStyle(item.querySelector('.name')).unicodeBidi") == "isolate"
    hour, shown = message.locator("time").bounding_box(), message.locator(".name").bounding_box()
    assert hour
    assert shown
    assert hour["x"] >= shown["x"] + shown["width"]


# Counts the characters that the functions of strings and patterns go through, at least; time is no measure.
COUNT_STEPS = """async ([module, text]) => {
  const { render } = await import(`data:text/javascript,${encodeURIComponent(module)}`);
  let steps = 0;
  const restore = [];
  const count = (prototype, name, cost) => {
    const original = prototype[name];
    restore.push(() => { prototype[name] = original; });
    prototype[name] = function (...given) {
      const before = this.lastIndex;
      const result = original.apply(this, given);
      steps += cost(this, given, result, before);
      return result;
    };
  };
  for (const name of ["replace", "split", "endsWith", "includes", "indexOf", "search"]) {
    count(String.prototype, name, (string) => 1 + string.length);
  }
  count(String.prototype, "slice", (_, __, result) => 1 + result.length);
  count(String.prototype, "at", () => 1);
  count(RegExp.prototype, "exec", (pattern, [string], found, before) => (
    1 + (found ? found.index + found[0].length : string.length) - (pattern.global ? before : 0)
  ));
  try {
    render(text);
  } finally {
    restore.forEach((undo) => undo());
  }
  return steps;
}"""
GROWING: dict[str, Callable[[int], str]] = {
    "marks and brackets": lambda size: "https://a/" + "!" * (2 * size) + ")" * size,
    "brackets": lambda size: "https://a/" + "(" * size + ")" * (2 * size),
    "marks between brackets": lambda size: "https://a/" + "!)" * size,
    "beginnings of addresses": lambda size: "https://" * size,
    "addresses": lambda size: "https://a/!) " * size,
    "backticks": lambda size: "`" * size,
    "code": lambda size: "`a`" * size,
    "blocks of code": lambda size: "```a```" * size,
    "a block that never ends": lambda size: "```" + "a" * size + "`\n" * size,
}


@pytest.mark.parametrize("text", GROWING.values(), ids=GROWING)
def test_the_work_for_a_text_grows_as_its_length(new_shared_page: NewPage, text: Callable[[int], str]) -> None:
    page = new_shared_page()
    page.goto("about:blank")
    module = (ROOT / "apps/chat/static/chat/markup.js").read_text()
    steps = [page.evaluate(COUNT_STEPS, [module, text(size)]) for size in (500, 1000, 2000)]
    assert steps[1] < 2.2 * steps[0]
    assert steps[2] < 2.2 * steps[1]

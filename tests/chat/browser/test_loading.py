"""How a page's scripts are loaded, and a page whose scripts do not all come."""

import pytest
from playwright.sync_api import Page, Route, expect

from tests.chat.browser.room_page import RoomPage

# Imported by another: none of them runs without it.
MODULE = "**/chat_connection.*.js"


def test_it_is_loaded_again(page: Page, room: str) -> None:
    refused: list[str] = []

    def refuse_once(route: Route) -> None:
        if refused:
            route.continue_()
        else:
            refused.append(route.request.url)
            route.abort("connectionreset")

    page.route(MODULE, refuse_once)
    RoomPage(page).enter(room).say("hello")
    RoomPage(page).expect_transcript("hello")
    assert refused


def test_not_for_ever_but_whenever_its_reader_asks(page: Page, room: str) -> None:
    loads: list[Page] = []
    page.on("load", lambda page: loads.append(page))
    page.clock.install()
    page.route(MODULE, lambda route: route.abort("connectionreset"))
    page.goto(f"/chat/{room}/")
    for _ in range(3):
        with page.expect_event("load"):
            page.clock.run_for(4_000)
    page.clock.run_for(60_000)
    expect(page.get_by_role("heading", name=room)).to_be_visible()
    assert len(loads) == 4
    page.unroute(MODULE)
    page.clock.resume()
    page.reload()
    RoomPage(page).wait_connected()
    assert len(loads) == 5
    # The next time it is tried as often again.
    assert page.evaluate("sessionStorage.length") == 0


def test_what_an_extension_adds_is_none_of_its_scripts(page: Page, room: str) -> None:
    page.add_init_script("""
        window.failed = [];
        addEventListener("DOMContentLoaded", () => {
          const script = document.createElement("script");
          script.src = "https://extension.example/script.js";
          script.onerror = () => failed.push(script.src);
          document.head.append(script);
        });
    """)
    RoomPage(page).enter(room)
    assert len(page.evaluate("failed")) == 1
    assert page.evaluate("sessionStorage.length") == 0


def test_a_browser_that_keeps_nothing_does_without_it(page: Page, room: str) -> None:
    page.add_init_script("""
        Object.defineProperty(window, "sessionStorage", { get() { throw new DOMException("", "SecurityError"); } });
    """)
    RoomPage(page).enter(room).say("hello")
    RoomPage(page).expect_transcript("hello")


@pytest.mark.parametrize("path", ["/chat/", "/chat/{}/"])
def test_the_page_names_every_module_that_its_script_imports(page: Page, room: str, path: str) -> None:
    page.goto(path.format(room), wait_until="networkidle")
    named = page.evaluate("[...document.querySelectorAll('[rel=modulepreload], script')].map((e) => e.href ?? e.src)")
    loaded = page.evaluate("performance.getEntriesByType('resource').map(({ name }) => name)")
    assert sorted(named) == sorted(name for name in loaded if name.endswith(".js"))
    assert len(named) > 3

"""Fixtures of browser tests: windows of Debian's Chromium on the stack under test, at ``base_url``."""

import os
import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Error, Page, expect, sync_playwright

# The address bar's pop-up, two pages of their own for each window, and a spare process: half of what a window costs.
UNUSED = ["WebUIOmniboxPopup", "WebUIOmniboxAimPopup", "SpareRendererForSitePerProcess"]
# What Playwright disables: of several such options Chromium takes the last.
OF_PLAYWRIGHT = [
    "AvoidCorsURLLoaderRestartOnRedirect",
    "AvoidUnnecessaryBeforeUnloadCheckSync",
    "DestroyProfileOnBrowserClose",
    "HttpsFirstBalancedModeAutoEnable",
    "HttpsUpgrades",
    "LensOverlay",
    "MediaRouter",
    "NetworkTimeServiceQuerying",
    "OptimizationHints",
    "PaintHolding",
    "ThirdPartyStoragePartitioning",
]
FLAGS = [
    f"--disable-features={','.join([*UNUSED, *OF_PLAYWRIGHT])}",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
# Conditions hold within milliseconds; a busy machine may take longer, and that is no failure.
expect.set_options(timeout=45_000)


# Used by every test, so that a machine without Chromium learns it before a stack is started.
@pytest.fixture(scope="session", autouse=True)
def chromium() -> str:
    """Path of Chromium; without it the run fails, since a skipped run would look like a good one."""
    path = shutil.which(os.environ.get("CHROMIUM", "chromium"))
    if path is None:
        pytest.exit(
            "The browser tests need Chromium: apt-get install chromium fonts-noto-cjk, or set CHROMIUM to its path.",
            returncode=1,
        )
    return path


# `make test-browser` runs each folder of browser tests by itself: while Playwright runs, there is an event loop in this
# thread, in which neither asynchronous tests nor a second Playwright can start.
@pytest.fixture(scope="session")
def browser(chromium: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield browser
        browser.close()


def windows(browser: Browser, base_url: str) -> Iterator[Callable[..., Page]]:
    """Yield what opens a window of a new visitor, with cookies of their own, given options of ``Browser.new_context``.

    An exception that no script of a page caught fails the test.
    """
    contexts = []
    errors: list[Error] = []

    def open_window(**options: Any) -> Page:
        context = browser.new_context(**{"base_url": base_url, "locale": "en", **options})
        context.on("weberror", lambda error: errors.append(error.error))
        contexts.append(context)
        return context.new_page()

    yield open_window
    for context in contexts:
        context.close()
    assert not errors


@pytest.fixture
def new_page(browser: Browser, base_url: str) -> Iterator[Callable[..., Page]]:
    """Open a window for this test."""
    yield from windows(browser, base_url)


@pytest.fixture(scope="module")
def new_shared_page(browser: Browser, base_url: str) -> Iterator[Callable[..., Page]]:
    """Open a window for all tests of the module, which leave nothing behind in it; each costs a second of CPU time."""
    yield from windows(browser, base_url)


@pytest.fixture
def page(new_page: Callable[..., Page]) -> Page:
    return new_page()

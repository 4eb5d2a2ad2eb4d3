"""WCAG 2.2 AA as far as axe-core can tell."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
PHONE, DESKTOP = {"width": 320, "height": 640}, {"width": 1280, "height": 800}
LOOKS = [
    pytest.param({"color_scheme": scheme, "viewport": viewport, "locale": locale}, id=f"{scheme}-{viewport['width']}")
    for scheme, locale in (("light", "ja"), ("dark", "en"))
    for viewport in (PHONE, DESKTOP)
]


def expect_accessible(page: Page) -> None:
    """Fail with axe's own words where it finds a violation, and where the page is wider than the window."""
    results = Axe().run(page, options={"runOnly": TAGS, "resultTypes": ["violations"]})
    assert results.violations_count == 0, results.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "it scrolls sideways"

"""The tests of the Channels tutorial's part 4, word for word from its documentation, on a running stack."""

import io
import os
import re
import shutil
import textwrap
import unittest
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver import Chrome, ChromeOptions, ChromeService
from selenium.webdriver.support.wait import WebDriverWait

from deploy.local import Stack

DOCUMENTATION = Path("/usr/share/doc/python-django-channels-doc/html/_sources/tutorial/part_4.rst.txt")
NEEDED = "apt-get install chromium chromium-driver python-django-channels-doc"
FLAGS = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync"]
TESTS = 2
WAIT_SECONDS = 45


class StackTestCase(unittest.TestCase):
    """In the place of ChannelsLiveServerTestCase: the server runs already."""

    live_server_url: str


class PatientWait(WebDriverWait):
    """In the place of WebDriverWait: the two seconds that the tutorial waits are few on a busy machine."""

    def __init__(self, driver: Chrome, timeout: float) -> None:
        super().__init__(driver, max(timeout, WAIT_SECONDS))


def start_chromium() -> Chrome:
    """In the place of webdriver.Chrome: Debian's Chromium, headless."""
    chromium, driver = shutil.which(os.environ.get("CHROMIUM", "chromium")), shutil.which("chromedriver")
    assert chromium, f"Chromium is missing: {NEEDED}"
    assert driver, f"Chromium's driver is missing: {NEEDED}"
    options = ChromeOptions()
    options.binary_location = chromium
    for flag in FLAGS:
        options.add_argument(flag)
    return Chrome(options, ChromeService(driver))


def tutorial() -> str:
    """Return what the tutorial says to put into chat/tests.py."""
    assert DOCUMENTATION.exists(), f"The tutorial is missing: {NEEDED}"
    code = re.search(r"\.\. code-block:: python\n\n((?: {4}.*\n|\n)+)", DOCUMENTATION.read_text())
    assert code, f"{DOCUMENTATION} shows no tests"
    return textwrap.dedent(code[1])


def test_the_tutorials_tests_pass(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("channels.testing.ChannelsLiveServerTestCase", StackTestCase)
    monkeypatch.setattr("selenium.webdriver.Chrome", start_chromium)
    monkeypatch.setattr("selenium.webdriver.support.wait.WebDriverWait", PatientWait)
    monkeypatch.setattr(StackTestCase, "live_server_url", stack.url, raising=False)
    names: dict[str, Any] = {"__name__": "chat.tests"}
    exec(compile(tutorial(), str(DOCUMENTATION), "exec"), names)

    output = io.StringIO()
    tests = unittest.defaultTestLoader.loadTestsFromTestCase(names["ChatTests"])
    result = unittest.TextTestRunner(output, verbosity=2).run(tests)
    assert result.wasSuccessful(), output.getvalue()
    assert result.testsRun == TESTS, output.getvalue()
    assert not result.skipped, output.getvalue()

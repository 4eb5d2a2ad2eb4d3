"""The Channels tutorial, word for word from its documentation: its project, and its tests in a browser."""

import io
import os
import re
import shutil
import textwrap
import unittest
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver import Chrome, ChromeOptions, ChromeService
from selenium.webdriver.support.wait import WebDriverWait

DOCUMENTATION = Path("/usr/share/doc/python-django-channels-doc/html/_sources/tutorial")
NEEDED = "apt-get install chromium chromium-driver python-django-channels-doc"
FLAGS = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync"]
TESTS = 2
WAIT_SECONDS = 45

# The template's own page sends again what it could not send.
IS_CONNECTED = "return typeof chatSocket === 'undefined' || chatSocket.readyState === WebSocket.OPEN"
# A block of code that begins with the name of its file.
CODE = re.compile(r"\.\. code-block:: (?:python|html)\n\n((?: {4}.*\n|\n)+)")
FILE = re.compile(r"(?:# |<!-- )([\w/.]+\.(?:py|html))")


class RunningServerTestCase(unittest.TestCase):
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


def files(*parts: int) -> dict[str, str]:
    """Return the text of each file that these parts of the tutorial write, in its last version."""
    return dict(_blocks(parts))


def _blocks(parts: tuple[int, ...]) -> Iterator[tuple[str, str]]:
    for part in parts:
        page = DOCUMENTATION / f"part_{part}.rst.txt"
        assert page.exists(), f"The tutorial is missing: {NEEDED}"
        for code in CODE.findall(page.read_text()):
            text = textwrap.dedent(code)
            if name := FILE.match(text):
                yield name[1], text


def run_tests(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run the tests of the tutorial's part 4 on a running server, and fail with their output."""
    monkeypatch.setattr("channels.testing.ChannelsLiveServerTestCase", RunningServerTestCase)
    monkeypatch.setattr("selenium.webdriver.Chrome", start_chromium)
    monkeypatch.setattr("selenium.webdriver.support.wait.WebDriverWait", PatientWait)
    monkeypatch.setattr(RunningServerTestCase, "live_server_url", url, raising=False)
    names: dict[str, Any] = {"__name__": "chat.tests"}
    exec(compile(files(4)["chat/tests.py"], "chat/tests.py", "exec"), names)
    enter = names["ChatTests"]._enter_chat_room

    def enter_and_connect(test: Any, room_name: str) -> None:
        # The tutorial writes as soon as the page is there, and its socket may not have joined the room by then.
        enter(test, room_name)
        PatientWait(test.driver, WAIT_SECONDS).until(lambda driver: driver.execute_script(IS_CONNECTED))

    monkeypatch.setattr(names["ChatTests"], "_enter_chat_room", enter_and_connect)
    output = io.StringIO()
    tests = unittest.defaultTestLoader.loadTestsFromTestCase(names["ChatTests"])
    result = unittest.TextTestRunner(output, verbosity=2).run(tests)
    assert result.wasSuccessful(), output.getvalue()
    assert result.testsRun == TESTS, output.getvalue()
    assert not result.skipped, output.getvalue()

from secrets import token_hex

import pytest

from tests.support.browser import browser, chromium, new_page, new_shared_page, page  # noqa: F401


@pytest.fixture
def room() -> str:
    """Name of a room that nobody has been in."""
    return f"room-{token_hex(4)}"

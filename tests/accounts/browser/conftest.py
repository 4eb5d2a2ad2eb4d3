from collections.abc import Iterator

import pytest

from tests.support.browser import browser, chromium, new_page, page  # noqa: F401
from tests.support.feed_stack import FeedStack


@pytest.fixture(scope="session")
def base_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a stack with the accounts, and the feed in the place of the chat."""
    with FeedStack(tmp_path_factory.mktemp("stack"), ws_processes=1) as stack:
        yield stack.url

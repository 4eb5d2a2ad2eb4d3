import os
from collections.abc import Iterator

import httpx
import pytest

from tests.support.feed_stack import FeedStack


@pytest.fixture(scope="session")
def base_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of the stack under test: BASE_URL where it is set, else a native stack of our own."""
    if url := os.environ.get("BASE_URL"):
        yield url.rstrip("/")
        return
    with FeedStack(tmp_path_factory.mktemp("stack")) as stack:
        yield stack.url


@pytest.fixture
def visitor(base_url: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=base_url, timeout=20) as client:
        yield client

import os
from collections.abc import Iterator

import pytest

from deploy.local import Stack


@pytest.fixture(scope="session")
def base_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of the stack under test: BASE_URL where it is set, else a native stack of our own."""
    if url := os.environ.get("BASE_URL"):
        yield url.rstrip("/")
        return
    with Stack(tmp_path_factory.mktemp("stack")) as stack:
        yield stack.url

from collections.abc import Iterator

import pytest

from deploy.local import Stack
from tests.support.limits import NO_LIMITS

# So that a test sees within seconds whether a client answers the server's pings.
PINGS = {"PING_INTERVAL": "1", "PING_TIMEOUT": "4"}


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with Stack(tmp_path_factory.mktemp("stack"), environment={**NO_LIMITS, **PINGS}) as stack:
        yield stack

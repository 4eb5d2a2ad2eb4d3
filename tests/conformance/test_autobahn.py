"""The Autobahn Testsuite's cases, run by kosoku against our server."""

import pytest
from kosoku import FailureError, run_fuzzingclient

from deploy.local import Process

# Sections by their number, with how many cases each has. 8 does not exist, 11 to 13 are about compression,
# which we do not offer.
SECTIONS = {
    "1 framing": 16,
    "2 pings and pongs": 11,
    "3 reserved bits": 7,
    "4 opcodes": 10,
    "5 fragmentation": 20,
    "6 UTF-8": 145,
    "7 close": 37,
    "9 limits and performance": 54,
    "10 auto-fragmentation": 1,
}


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("section", "path"), [*((section, "/") for section in SECTIONS), ("1 framing", "/stock"), ("7 close", "/stock")]
)
async def test_every_case_passes(echo_server: Process, section: str, path: str) -> None:
    number = section.split()[0]
    try:
        results = await run_fuzzingclient(echo_server.url.replace("http", "ws", 1) + path, [f"{number}.*"])
    except FailureError as error:
        results = error.results
    failed = [
        f"{result.case_id} {result.behavior.value}, closing {result.behavior_close.value}: "
        f"{result.description} {result.result} {result.result_close}"
        for result in results
        if not result.passed
    ]
    assert not failed, "\n".join(failed)
    assert len(results) == SECTIONS[section]

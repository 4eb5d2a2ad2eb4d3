"""Daphne's own test suite, run on our server."""

from pathlib import Path

import pytest

from tests.upstream.sdists import unpacked
from tests.upstream.suite import run_suite


@pytest.mark.timeout(600)
def test_daphnes_suite_passes_but_for_the_listed_deviations(tmp_path: Path) -> None:
    run_suite(
        unpacked("daphne"),
        "tests.upstream.on_our_server",
        tmp_path,
        # It configures Django's settings itself, and asks of Daphne's app only whether it stands in the right place.
        "--ignore=tests/test_checks.py",
        # One test runs only where the variable is set, and wants as many threads.
        ASGI_THREADS="2",
    )

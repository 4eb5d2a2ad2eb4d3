"""Channels' tests of its generic consumers, its database handling and its test tools, run on our consumers.

They are in tests/upstream/channels as of Channels 4.3.2, since its source distribution has none.
"""

from pathlib import Path

import pytest
from channels import __version__

from deploy.local.stack import ROOT
from tests.support.redis import running_redis
from tests.upstream.suite import run_suite

SUITE = ROOT / "tests/upstream/channels"
# Of the suite. Where the tests of a newer version differ, they are copied again.
VERSION = "4.3.2"
OPTIONS = ("--rootdir=.", "--config-file=/dev/null", "-p", "pytest_django.plugin")


def test_the_suite_is_that_of_the_locked_version() -> None:
    assert __version__ == VERSION


@pytest.mark.timeout(300)
def test_tests_of_channels_pass_on_our_consumers(tmp_path: Path) -> None:
    run_suite(SUITE, "tests.upstream.on_our_consumers", tmp_path, *OPTIONS)


@pytest.mark.timeout(300)
def test_tests_of_channels_pass_on_our_consumers_and_our_channel_layer(tmp_path: Path) -> None:
    with running_redis(tmp_path) as redis:
        run_suite(SUITE, "tests.upstream.on_our_consumers", tmp_path, *OPTIONS, LAYER="redis", REDIS_URL=redis.url)

"""Channels' own tests of its generic consumers, its database handling and its test tools, run on our consumers.

Not named test_*: neither its source distribution nor its wheel has the tests, so that they need a checkout::

    git clone --depth 1 --branch 4.3.2 https://github.com/django/channels ../channels
    make test-channels CHANNELS=../channels
"""

import os
import shutil
from pathlib import Path

import pytest
from channels import __version__

from tests.support.redis import running_redis
from tests.upstream.suite import run_suite

TESTS = Path(os.environ["CHANNELS"]).resolve() / "tests"
MODULES = ("test_database.py", "test_generic_websocket.py", "test_testing.py")
OPTIONS = ("--rootdir=.", "--config-file=/dev/null", "-p", "pytest_django.plugin")


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    """Copy the tests, whose package has the name of ours, and return their folder."""
    folder = tmp_path / "suite"
    folder.mkdir()
    for module in MODULES:
        shutil.copy(TESTS / module, folder)
    return folder


def test_the_checkout_is_of_the_locked_version() -> None:
    assert f'"{__version__}"' in (TESTS.parent / "channels/__init__.py").read_text()


@pytest.mark.timeout(300)
def test_tests_of_channels_pass_on_our_consumers(suite: Path, tmp_path: Path) -> None:
    run_suite(suite, "tests.upstream.on_our_consumers", tmp_path, *OPTIONS)


@pytest.mark.timeout(300)
def test_tests_of_channels_pass_on_our_consumers_and_our_channel_layer(suite: Path, tmp_path: Path) -> None:
    with running_redis(tmp_path) as redis:
        run_suite(suite, "tests.upstream.on_our_consumers", tmp_path, *OPTIONS, LAYER="redis", REDIS_URL=redis.url)

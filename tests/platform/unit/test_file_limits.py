import resource
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from channels_live.server.file_limits import sockets_that_fit

ROOT = Path(__file__).resolve().parents[3]


def test_ws_takes_as_many_open_files_as_the_system_allows():
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    code = (
        "import resource; from channels_live.server.file_limits import raise_file_limit;"
        "raise_file_limit();"
        "print(*resource.getrlimit(resource.RLIMIT_NOFILE))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={"PYTHONPATH": "src:services:apps"},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (128, hard)),
        capture_output=True,
        text=True,
        check=True,
    )
    assert result.stdout.split() == [str(hard)] * 2


@pytest.mark.parametrize(
    ("files", "wanted", "taken"),
    [
        (20_000, None, 15_000),
        (1024, None, 524),
        (100, None, 1),
        (20_000, 19_500, 19_500),
        (resource.RLIM_INFINITY, None, 15_000),
        (resource.RLIM_INFINITY, 100_000, 100_000),
    ],
)
def test_as_many_sockets_as_there_are_files_for(monkeypatch, files, wanted, taken):
    monkeypatch.setattr(resource, "getrlimit", lambda _: (files, files))
    assert sockets_that_fit(wanted) == taken


def test_more_sockets_than_files_are_an_invalid_setting(monkeypatch):
    monkeypatch.setattr(resource, "getrlimit", lambda _: (20_000, 20_000))
    with pytest.raises(
        ImproperlyConfigured, match="MAX_SOCKETS: 19501 sockets need 20001 open files, and 20000 are allowed"
    ):
        sockets_that_fit(19_501)

"""docs/testing.md, done as it says: a project with the wheel and its extra ``testing``, and nothing else."""

from pathlib import Path

import pytest

from deploy.local.binaries import find_redis
from tests.package.distribution import ROOT, build_wheel
from tests.package.existing_project import BLOCK, INSTALL, TESTING_PAGE, Project

BROKEN = """

class Broken(FeedConsumer):
    def fields(self, content):
        return {**super().fields(content), "text": content["txet"]}


FeedConsumer = Broken
"""
(FAILURE,) = (block["text"] for block in BLOCK.finditer(TESTING_PAGE) if block["language"] == "text")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_wheel(ROOT, tmp_path_factory.mktemp("dist"))


def processes_in(folder: Path) -> list[str]:
    """Return the command lines of processes that name the folder, or have been started in it."""
    rows = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            started_in = (process / "cwd").readlink()
        except OSError:
            continue
        if str(folder) in command or started_in.is_relative_to(folder):
            rows.append(command)
    return rows


@pytest.mark.timeout(300)
@pytest.mark.parametrize("versions", ["locked", "lowest"])
def test_tests_of_a_project_pass_and_find_a_broken_consumer(tmp_path: Path, wheel: Path, versions: str) -> None:
    wheels = ROOT / ".run/wheels" / versions
    assert wheels.exists(), "The wheels to install are not there; make test-package fetches them."
    project = Project(tmp_path, {})
    project.follow(wheel, wheels)
    (tmp_path / "venv/bin/valkey-server").symlink_to(find_redis())

    results = []
    for command in project.write_and_yield_commands(BLOCK.finditer(TESTING_PAGE)):
        if install := INSTALL.fullmatch(command):
            project.install(wheel, wheels, install["extra"])
        else:
            results.append(project.run(command))
    first, by_manage = results
    assert "4 passed" in first
    assert "Ran 1 test" in by_manage
    assert "7 passed" in project.run("python -m pytest")

    with (project.folder / "feed/consumers.py").open("a") as consumers:
        consumers.write(BROKEN)
    broken = project.try_to_run("python -m pytest feed/test_consumers.py")
    assert broken.returncode == 1
    assert "but the connection was closed with 1011" in broken.stdout
    assert '1. {"type": "welcome", "stream": "news", "head": 0' in broken.stdout
    # What the page shows, but for addresses and line numbers.
    for line in ("- Log of ws-1 -", 'return {**super().fields(content), "text": content["txet"]}', "KeyError: 'txet'"):
        assert line in FAILURE
        assert line in broken.stdout
    assert processes_in(tmp_path) == []

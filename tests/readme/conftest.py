from pathlib import Path

import pytest

from deploy.local.stack import ROOT
from tests.readme.console import run


def clone_into(folder: Path) -> Path:
    """Clone HEAD into a new folder, and return it."""
    folder.mkdir()
    run(f"git clone --quiet {ROOT} .", folder)
    run("git config user.name Tester && git config user.email tester@example.com", folder)
    return folder


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A fresh clone of HEAD."""
    return clone_into(tmp_path / "clone")


@pytest.fixture(scope="module")
def shared_clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh clone of HEAD for all tests of a module."""
    return clone_into(tmp_path_factory.mktemp("shared") / "clone")

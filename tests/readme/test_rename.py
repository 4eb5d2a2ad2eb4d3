"""make rename, in fresh clones."""

import subprocess
import sys
from pathlib import Path

import pytest

from deploy.rename import TEMPLATE, current_name
from tests.readme.console import environment, run
from tests.support.manifests import KUBECTL

pytestmark = pytest.mark.skipif(current_name() != TEMPLATE, reason="this repository has been renamed already")

# The old name in any spelling.
NAMED = "git grep --ignore-case --count 'channels[^a-z]stack' || true"


def rename(clone: Path, name: str) -> tuple[int, str]:
    """Return the exit code and the first line of the output."""
    command = ["make", "--silent", "rename", f"NAME={name}"]
    result = subprocess.run(command, cwd=clone, env=environment(), capture_output=True, text=True, check=False)
    return result.returncode, (result.stdout + result.stderr).splitlines()[0]


@pytest.fixture(scope="module")
def renamed(shared_clone: Path) -> Path:
    assert run(NAMED, shared_clone)
    code, said = rename(shared_clone, "acme")
    assert (code, said.split(" ", 1)[1]) == (0, "files changed. Look at them with git diff, then commit them.")
    return shared_clone


def test_rename_leaves_no_old_name(renamed: Path) -> None:
    assert run(NAMED, renamed) == ""
    assert run("git ls-files | grep -i 'channels[-_.]stack' || true", renamed) == ""


def test_rename_changes_containers_namespace_and_page_title(renamed: Path) -> None:
    assert "image: acme/ws:local" in run(f"{KUBECTL} kustomize deploy/k8s/overlays/local", renamed)
    assert "namespace: acme" in run(f"{KUBECTL} kustomize deploy/k8s/overlays/local", renamed)
    assert "${IMAGES:-acme}/ws:" in (renamed / "docker-compose.yml").read_text()
    assert "· acme</title>" in (renamed / "services/web/templates/page.html").read_text()
    assert (renamed / "README.md").read_text().startswith("# acme\n")


def test_second_rename_changes_nothing_and_another_name_is_rejected(renamed: Path) -> None:
    before = run("git diff", renamed)
    assert rename(renamed, "acme") == (0, "This repository is already called acme.")
    code, said = rename(renamed, "other")
    assert code
    assert said.startswith("This repository is already called acme; only ")
    assert run("git diff", renamed) == before


def test_rename_after_merging_a_newer_template_renames_its_files(renamed: Path) -> None:
    run(
        f"git commit --quiet --all --message rename && echo {TEMPLATE} > new && git add new && git commit -qm merge",
        renamed,
    )
    code, said = rename(renamed, "acme")
    assert (code, said.split(" ", 1)[0]) == (0, "1")
    assert (renamed / "new").read_text() == "acme\n"
    run("git rm --quiet --force new && git commit --quiet --message 'as it was'", renamed)


@pytest.mark.timeout(300)
def test_lint_and_tests_pass_after_rename(renamed: Path) -> None:
    # In this virtual environment, because a new one for the clone would take a minute.
    binaries = Path(sys.executable).parent
    python = f"PYTHONPATH=src:services:apps:. {sys.executable}"
    run(f"{binaries}/ruff check . && {binaries}/ruff format --check .", renamed)
    run(f"{python} -m deploy.local.lint_nginx", renamed)
    # Only the unit tests that read files with the name: templates, documents, traces.
    unit = "tests/{unit/test_{architecture,errors,security_page},chat/unit/test_rooms,platform/unit/test_tracing}.py"
    run(f"{python} -m pytest -q {unit} tests/manifests", renamed, seconds=300)


@pytest.mark.parametrize("name", ["", "a", "Acme", "acme_chat", "acme chat", "acme-", "1acme", "a" * 21, "x;reboot"])
def test_name_that_is_no_namespace_is_rejected(clone: Path, name: str) -> None:
    code, said = rename(clone, name)
    assert code
    assert (
        said
        == f"{name!r} is invalid: expected 3 to 20 lower-case letters, digits and hyphens, beginning with a letter."
    )
    assert run("git status --porcelain", clone) == ""


@pytest.mark.parametrize("name", ["chat", "nginx", "redis"])
def test_reserved_name_is_rejected(clone: Path, name: str) -> None:
    code, said = rename(clone, name)
    assert code
    assert said == f"{name!r} has another meaning in this repository; choose another name."


def test_uncommitted_changes_are_rejected(clone: Path) -> None:
    (clone / "README.md").write_text("changed")
    code, said = rename(clone, "acme")
    assert code
    assert said == "There are uncommitted changes; commit or stash them, so that renaming can be undone."
    assert run("git diff --stat", clone).count("|") == 1

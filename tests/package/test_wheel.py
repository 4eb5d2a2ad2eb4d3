"""What is in the wheel, and what it says of itself."""

import ast
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from email.message import Message
from email.parser import Parser
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import channels_live
from tests.package.distribution import PROJECT, ROOT, SOURCES, build_wheel

# pytest imports it by its entry point, so pytest is there.
PLUGIN = SOURCES / "testing/plugin.py"
# Of the extras, what is installed for its own plugin or exporter, and no module imports.
NOT_IMPORTED = {"opentelemetry-exporter-otlp-proto-http", "pytest-asyncio", "pytest-django"}
BUILT_FROM = ("pyproject.toml", "LICENSE", ".gitignore", "docs/existing-project.md", "src")
# What only ws runs: web's image has none of them.
SERVER_ONLY = {"autobahn", "daphne", "twisted"}
REQUIRED = {canonicalize_name(r.name): r for r in map(Requirement, PROJECT["project"]["dependencies"])}
EXTRAS = {
    extra: [Requirement(line) for line in lines] for extra, lines in PROJECT["project"]["optional-dependencies"].items()
}
TESTING = {canonicalize_name(r.name): r for r in EXTRAS["testing"]}
OPTIONAL = {canonicalize_name(r.name): r for requirements in EXTRAS.values() for r in requirements}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_wheel(ROOT, tmp_path_factory.mktemp("dist"))


@pytest.fixture(scope="module")
def metadata(wheel: Path) -> Message:
    with zipfile.ZipFile(wheel) as archive:
        return Parser().parsestr(archive.read(f"{_dist_info()}/METADATA").decode())


def _dist_info() -> str:
    return f"channels_live-{channels_live.__version__}.dist-info"


def test_holds_every_file_of_the_package_and_no_other(wheel: Path) -> None:
    git = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--deduplicate", "src/channels_live"]
    listed = subprocess.run(git, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    sources = {str(Path(path).relative_to("src")) for path in listed if (ROOT / path).exists()}
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if not name.startswith(_dist_info())}
    assert "channels_live/py.typed" in held
    assert held == sources


def test_the_same_sources_give_the_same_bytes(wheel: Path, tmp_path: Path) -> None:
    project = tmp_path / "elsewhere"
    for name in BUILT_FROM:
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, project / name, copy_function=shutil.copyfile)
        else:
            shutil.copyfile(ROOT / name, project / name)
    for path in project.rglob("*.py"):
        path.chmod(0o600)
        os.utime(path, (1_000_000_000, 1_000_000_000))
    assert build_wheel(project, tmp_path / "dist").read_bytes() == wheel.read_bytes()


def test_the_version_is_that_of_the_package(metadata: Message) -> None:
    assert metadata["Name"] == "channels-live"
    assert metadata["Version"] == channels_live.__version__


def test_licence_and_description_are_in_it(wheel: Path, metadata: Message) -> None:
    assert metadata["License-Expression"] == "MIT"
    assert metadata.get_payload() == (ROOT / "docs/existing-project.md").read_text()
    with zipfile.ZipFile(wheel) as archive:
        assert archive.read(f"{_dist_info()}/licenses/LICENSE") == (ROOT / "LICENSE").read_bytes()


def test_what_builds_it_is_what_is_locked() -> None:
    (backend,) = PROJECT["build-system"]["requires"]
    assert f"\n{backend} " in (ROOT / "tests/requirements.txt").read_text()


# --- Dependencies


def test_it_requires_what_it_imports_and_nothing_else() -> None:
    imported = {name for path in SOURCES.rglob("*.py") for name in distributions(imports(path))}
    assert imported == REQUIRED.keys() | OPTIONAL.keys() - NOT_IMPORTED


def test_what_is_optional_is_imported_where_it_is_used() -> None:
    modules = [path for path in SOURCES.rglob("*.py") if path != PLUGIN]
    at_start = {name for path in modules for name in distributions(imports(path, at_start=True))}
    assert not at_start & OPTIONAL.keys()


@pytest.mark.parametrize("service", ["web", "ws"])
def test_the_services_lock_versions_that_it_allows(service: str) -> None:
    locked = locked_versions(ROOT / f"services/{service}/requirements.txt")
    tracing = locked_versions(ROOT / "services/base/tracing/requirements.txt")
    for name, requirement in (REQUIRED | OPTIONAL).items():
        # No image has what only tests need.
        if name in TESTING or (service == "web" and name in SERVER_ONLY):
            assert name not in locked
        else:
            assert (locked | tracing)[name] in requirement.specifier, requirement


def test_what_the_tests_of_projects_use_is_locked_as_it_allows() -> None:
    locked = locked_versions(ROOT / "tests/package/requirements.txt")
    assert {name for name, requirement in TESTING.items() if locked.get(name) not in requirement.specifier} == set()


def test_pytest_finds_the_plugin(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        entry_points = archive.read(f"{_dist_info()}/entry_points.txt").decode()
        module = entry_points.partition("[pytest11]\nchannels_live = ")[2].strip()
        assert f"{module.replace('.', '/')}.py" in archive.namelist()


def locked_versions(path: Path) -> dict[str, str]:
    return dict(re.findall(r"^([\w-]+)==([\w.]+)", path.read_text(), re.MULTILINE))


def distributions(modules: set[str]) -> set[str]:
    """Return the names of the distributions from PyPI that modules belong to; those of Python itself have none."""
    known = dict(packages_distributions())
    foreign = modules - sys.stdlib_module_names - {"channels_live"}
    # Several distributions have modules in it: those of the extra come together, and daphne brings Twisted a plugin.
    known |= {"opentelemetry": ["opentelemetry-sdk"], "twisted": ["twisted"]}
    return {canonicalize_name(known.get(module, [module])[0]) for module in foreign}


def imports(path: Path, at_start: bool = False) -> set[str]:
    """Return the first parts of the modules that a file imports; ``at_start`` only those that it always does."""
    return {
        name.partition(".")[0]
        for node in statements(ast.parse(path.read_text()), at_start)
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom) and not node.level
            else []
        )
    }


def statements(tree: ast.AST, at_start: bool) -> Iterator[ast.AST]:
    for node in ast.iter_child_nodes(tree):
        is_later = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) or (
            isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        )
        if not (at_start and is_later):
            yield node
            yield from statements(node, at_start)

"""Tests and files that docs/architecture.md names exist, and services import only allowed packages."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/architecture.md").read_text()
TEST_IDS = sorted(set(re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", PAGE)))
FILES = sorted(set(re.findall(r"`((?:src|apps|services|deploy|tests)/[\w/.]+\.\w+)`", PAGE)))

APPS = {folder.name for folder in (ROOT / "apps").iterdir() if folder.is_dir()}
FORBIDDEN = {"base": {"web", "ws"} | APPS, "web": {"ws"}, "ws": {"web"}}


@pytest.mark.parametrize(("file", "name"), TEST_IDS)
def test_every_test_named_by_an_invariant_exists(file, name):
    tree = ast.parse((ROOT / file).read_text())
    functions = {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
    assert name in functions


def test_every_invariant_names_a_test():
    paragraphs = re.split(r"^\*\*\d+\. ", PAGE.partition("## Design decisions")[0], flags=re.MULTILINE)[1:]
    assert len(paragraphs) >= 10
    assert all("::test_" in paragraph for paragraph in paragraphs)


@pytest.mark.parametrize("file", FILES)
def test_every_file_named_in_architecture_exists(file):
    assert (ROOT / file).is_file()


@pytest.mark.parametrize("service", FORBIDDEN)
def test_services_import_only_allowed_packages(service):
    imported = {
        (str(path.relative_to(ROOT)), name)
        for path in (ROOT / "services" / service).rglob("*.py")
        for name in top_level_imports(path)
        if name in FORBIDDEN[service]
    }
    assert not imported


def top_level_imports(path: Path) -> Iterator[str]:
    """Yield the top-level package of every import in a file."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]

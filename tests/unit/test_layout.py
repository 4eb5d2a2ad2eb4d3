"""The tests' own layout: what several of them use stands in no test module, and a unit test starts no server."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
MODULES = sorted(TESTS.rglob("*.py"))
UNIT_TESTS = [path for path in MODULES if "unit" in path.relative_to(TESTS).parts]
# What starts a server: these names, imported from anywhere, and these fixtures.
SERVERS = {"FeedStack", "Process", "Run", "Server", "Stack", "redis_process", "redis_address", "running_redis"}
FIXTURES = {"base_url", "postgres", "redis_address", "stack"}


def name_of(path: Path) -> str:
    return str(path.relative_to(TESTS))


def imports(path: Path) -> Iterator[tuple[str, str]]:
    """Yield each module that a file imports, wherever in it, with each name that it takes from it."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield from ((node.module, alias.name) for alias in node.names)


def is_test_module(name: str) -> bool:
    return name.startswith("test_") or name == "conftest"


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_no_module_imports_a_test_module(path: Path) -> None:
    found = {
        f"{module}.{name}"
        for module, name in imports(path)
        if module.split(".")[0] == "tests" and any(map(is_test_module, [*module.split("."), name]))
    }
    assert not found


@pytest.mark.parametrize("path", UNIT_TESTS, ids=name_of)
def test_unit_tests_start_no_server(path: Path) -> None:
    assert not {name for _, name in imports(path)} & SERVERS
    functions = (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.FunctionDef))
    for function in functions:
        if function.name.startswith("test_"):
            assert not {argument.arg for argument in function.args.args} & FIXTURES, function.name

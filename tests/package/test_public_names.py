"""Who may import what: the package nothing of the products, and they only its public names."""

import ast
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.package.distribution import ROOT, SOURCES

PACKAGE = "channels_live"
SUBPACKAGES = sorted(
    path.parent.name for path in SOURCES.glob("*/__init__.py") if path.parent.name not in {"management"}
)
PUBLIC = [
    f"{PACKAGE}.{path.stem if path.is_file() else path.name}"
    for path in sorted(SOURCES.iterdir())
    if path.suffix == ".py" or (path / "__init__.py").exists()
    if "\n__all__" in (path if path.is_file() else path / "__init__.py").read_text()
    if path.name != "__init__.py"
]
USERS = ["apps", "services", "examples"]
PRODUCTS = {path.name for folder in USERS for path in (ROOT / folder).iterdir() if path.is_dir()}
FORBIDDEN = PRODUCTS | {*USERS, "deploy", "tests"}
# Those that web imports too, whose image has no server. channels_live.conf is read before there are any settings.
LIGHT = ["conf", "database", "journal", "layers", "observability", "revocation"]
TEST_ONLY = [f"{PACKAGE}.testing", "pytest", "websockets"]
SERVER = ["autobahn", "daphne", "twisted"]
# What the names of metrics begin with that web has no values for.
OF_WS = ("websocket_", "hub_", "presence_")

# Django as any project has it.
SETUP = """
import django
from django.conf import settings
settings.configure(
    INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "django.contrib.sessions", "channels_live"],
    CHANNEL_LAYERS={"default": {"BACKEND": "channels_live.layers.ChannelLayer"}},
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
)
django.setup()
"""


@pytest.mark.parametrize("name", SUBPACKAGES)
def test_each_subpackage_says_what_is_public(name: str) -> None:
    assert f"{PACKAGE}.{name}" in PUBLIC


@pytest.mark.parametrize("name", PUBLIC)
def test_all_that_is_public_is_there(name: str) -> None:
    assert run(f"{SETUP}import {name} as m\nprint([n for n in m.__all__ if not hasattr(m, n)])") == "[]"


def test_the_package_imports_no_product() -> None:
    found = {
        f"{path.relative_to(SOURCES)}: {module}"
        for path in SOURCES.rglob("*.py")
        for module, _ in imported(path)
        if module.partition(".")[0] in FORBIDDEN
    }
    assert found == set()


@pytest.mark.parametrize("folder", USERS)
def test_products_use_public_names_only(folder: str) -> None:
    used = {
        (str(path.relative_to(ROOT)), f"{module}.{name}" if name else module)
        for path in (ROOT / folder).rglob("*.py")
        for module, name in [*imported(path), *named_in_strings(path)]
        if module.partition(".")[0] == PACKAGE
    }
    assert {(path, name) for path, name in used if not is_public(name)} == set()


@pytest.mark.parametrize("name", LIGHT)
def test_what_web_imports_needs_no_server(name: str) -> None:
    script = f"""
import sys, json
sys.modules.update(dict.fromkeys({SERVER}))  # whose import raises ImportError then
from django.conf import settings
{SETUP if name != "conf" else ""}
import channels_live.{name}
from prometheus_client import REGISTRY
print(json.dumps([family.name for family in REGISTRY.collect() if family.name.startswith({OF_WS})]))
assert settings.configured is {name != "conf"}
"""
    assert json.loads(run(script)) == []


def test_a_deployment_imports_nothing_that_is_for_tests() -> None:
    others = [name for name in PUBLIC if name != f"{PACKAGE}.testing"]
    script = f"{SETUP}import sys, {', '.join(others)}\nprint([n for n in sys.modules if n in {TEST_ONLY}])"
    assert run(script) == "[]"
    importing = {
        str(path.relative_to(SOURCES))
        for path in SOURCES.rglob("*.py")
        for module, _ in imported(path)
        if module.startswith(f"{PACKAGE}.testing") and "testing" not in path.relative_to(SOURCES).parts
    }
    assert importing == set()


def test_the_clients_of_tests_need_neither_settings_nor_an_extra_before_they_are_used() -> None:
    script = "import sys, channels_live.testing; print([n for n in sys.modules if n in ('pytest', 'websockets')])"
    assert run(script) == "[]"


def test_the_import_of_the_server_chooses_no_reactor() -> None:
    assert run("import sys, channels_live.server; print('twisted.internet.reactor' in sys.modules)") == "False"


def is_public(name: str) -> bool:
    """Whether a dotted name may be used: the package, a public module, or what one of these has in ``__all__``."""
    if name in {PACKAGE, f"{PACKAGE}.__version__", *PUBLIC}:
        return True
    module, _, last = name.rpartition(".")
    return module in PUBLIC and last in exported(module)


def exported(module: str) -> list[str]:
    """Return the names in a module's ``__all__``, without importing it."""
    path = ROOT / "src" / module.replace(".", "/")
    tree = ast.parse((path / "__init__.py" if path.is_dir() else path.with_suffix(".py")).read_text())
    (names,) = (
        node.value for node in tree.body if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
    )
    return list(ast.literal_eval(names))


def imported(path: Path) -> Iterator[tuple[str, str]]:
    """Yield the modules that a file imports, each with the name that it takes of it, if any."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield from ((node.module, alias.name) for alias in node.names)


def named_in_strings(path: Path) -> Iterator[tuple[str, str]]:
    """Yield the dotted names of the package that stand in texts, such as a setting's."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            parts = node.value.split(".")
            if parts[0] == PACKAGE and all(part.isidentifier() for part in parts):
                yield node.value, ""


def run(script: str, **environment: str) -> str:
    """Run a script in a fresh Python, and return what it prints."""
    path = os.pathsep.join(str(ROOT / folder) for folder in ("src", "services", "apps"))
    variables = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    result = subprocess.run(
        [sys.executable, "-c", script],
        env=variables | {"PYTHONPATH": path} | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout.strip()

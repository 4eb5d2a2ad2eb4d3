"""docs/private-apis.md lists every name of Daphne, autobahn, Twisted and channels-redis on which our code depends."""

import ast
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PACKAGE = ROOT / "src/channels_live"
PAGE = (ROOT / "docs/private-apis.md").read_text()
SECTIONS = {
    title: set(re.findall(r"`(\w+)`", " ".join(line.split("|")[1] for line in body.splitlines() if line[:1] == "|")))
    for title, body in re.findall(r"^## (\w+)\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
}
TEST_IDS = sorted(set(re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", PAGE)))

# In a process of its own, since Daphne installs Twisted's reactor when it is imported.
OVERLAPS = """
import ast, inspect, json, textwrap
import daphne.server
from channels_live.layers.channel_layer import ChannelLayer
from channels_live.layers.shard import Shard
from channels_live.server.http_connection import HttpConnection
from channels_live.server.http_request import Request
from channels_live.server.protocol import WebSocketProtocol
from channels_live.server.server import Server

def names_of(cls):
    names = {*vars(cls), *vars(cls).get("__annotations__", {})}
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(cls)))
    except (OSError, TypeError):
        tree = ast.Module(body=[], type_ignores=[])
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and ast.unparse(node.value) == "self":
            names.add(node.attr)
    return {name for name in names if not name.startswith("__")}

overlaps = {}
for leaf in (Server, WebSocketProtocol, HttpConnection, Request, Shard, ChannelLayer):
    ours = [cls for cls in leaf.__mro__ if cls.__module__.startswith("channels_live")]
    theirs = set().union(*(names_of(cls) for cls in leaf.__mro__ if cls not in (*ours, object)))
    for cls in ours:
        overlaps[cls.__name__] = sorted(names_of(cls) & theirs)
print(json.dumps(overlaps))
"""


@pytest.fixture(scope="module")
def overlaps() -> dict[str, set[str]]:
    """The names that each of our classes has in common with its ancestors in other packages."""
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}/src"}
    command = [sys.executable, "-c", OVERLAPS]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    return {name: set(names) for name, names in json.loads(result.stdout).items()}


def test_each_name_that_hides_one_of_an_ancestor_is_listed(overlaps):
    assert overlaps.keys() == SECTIONS.keys()
    unlisted = {cls: names - SECTIONS[cls] for cls, names in overlaps.items() if names - SECTIONS[cls]}
    assert not unlisted


def test_each_listed_name_is_used(overlaps):
    used = {name for _, name in private_reads()}
    unused = {cls: names - overlaps[cls] - used for cls, names in SECTIONS.items() if names - overlaps[cls] - used}
    assert not unused


def test_each_private_name_of_another_package_is_listed():
    listed = set().union(*SECTIONS.values())
    assert {(file, name) for file, name in private_reads() if name not in listed} == set()


@pytest.mark.parametrize(("file", "name"), TEST_IDS)
def test_each_test_that_is_named_exists(file, name):
    tree = ast.parse((ROOT / file).read_text())
    assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


def private_reads() -> Iterator[tuple[str, str]]:
    """Yield each private name that server/ and layers/ read and no module of the package defines, with its file."""
    trees = {path: ast.parse(path.read_text()) for path in PACKAGE.rglob("*.py")}
    defined = set().union(*map(definitions, trees.values()))
    for path, tree in trees.items():
        if path.relative_to(PACKAGE).parts[0] not in ("server", "layers"):
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom):
                names = [alias.name for alias in node.names if not (node.module or "").startswith("channels_live")]
            elif isinstance(node, ast.Attribute) and ast.unparse(node.value) != "os":
                names = [node.attr]
            else:
                continue
            for name in names:
                if name.startswith("_") and not name.startswith("__") and name not in defined:
                    yield str(path.relative_to(ROOT)), name


def definitions(tree: ast.Module) -> set[str]:
    """Return the names of functions, classes and attributes that a module defines."""
    names = set()
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                names.add(name)
            case ast.Attribute(attr=name, ctx=ast.Store()) | ast.AnnAssign(target=ast.Name(id=name)):
                names.add(name)
    return names

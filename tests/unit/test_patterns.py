"""Regular expressions that are applied to untrusted input match in linear time."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from accounts import guests
from channels_live.conf import origins as origin
from channels_live.observability import logs, request_id
from channels_live.server import handshake
from deploy.local.nginx import render
from tests.support.patterns import Matcher, of_scripts, worst


def of_nginx(folder: Path) -> Iterator[tuple[str, Matcher]]:
    configuration = folder / "nginx.conf"
    servers = {"NGINX_LISTEN": "8080", "WEB_SERVERS": "127.0.0.1:1", "WS_SERVERS": "127.0.0.1:2", "PATH_PREFIX": "/a"}
    render(configuration, servers)
    found = re.findall(
        r'"~\*?([^"\n]+)"|^\s+(?:location )?~\*? ?(\S+) |rewrite (\S+) ', configuration.read_text(), re.MULTILINE
    )
    for literal in filter(None, (quoted or bare or rewritten for quoted, bare, rewritten in found)):
        pattern = re.sub(r"\\k<(\w+)>", r"(?P=\1)", literal.replace("(?<", "(?P<").replace(r"\z", r"\Z"))
        yield f"nginx {literal}", Matcher(pattern, flags=re.IGNORECASE)


def of_python() -> Iterator[tuple[str, Matcher]]:
    for how, pattern in (
        ("search", handshake.UPGRADE),
        ("fullmatch", handshake.HEAD),
        ("fullmatch", origin.ORIGIN),
        ("fullmatch", request_id.ACCEPTED),
        ("search", guests.TAG),
        ("fullmatch", logs.REFUSED_BY_GUNICORN),
    ):
        yield f"{how} {pattern.pattern!r}", Matcher(pattern.pattern, how, pattern.flags & (re.IGNORECASE | re.DOTALL))


@pytest.fixture(autouse=True)
def deep_recursion():
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(100_000)
    yield
    sys.setrecursionlimit(before)


@pytest.mark.parametrize(("pattern", "how"), [(r"[.,!]+$", "search"), (r"(a+)+b", "search"), (r"a*a*b", "fullmatch")])
def test_superlinear_pattern_is_detected(pattern, how):
    assert worst(Matcher(pattern, how), size=5) > 2.5


@pytest.mark.parametrize("source", ["scripts", "nginx", "python"])
def test_matching_steps_grow_linearly(source, tmp_path):
    patterns = {"scripts": of_scripts, "nginx": lambda: of_nginx(tmp_path), "python": of_python}[source]()
    found = {name: worst(matcher) for name, matcher in patterns}
    # How many scripts have some depends on the apps that there are.
    assert source == "scripts" or len(found) >= 6
    assert {name: growth for name, growth in found.items() if growth > 2.5} == {}

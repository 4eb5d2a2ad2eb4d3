"""The tests and settings that docs/security.md names exist."""

import re

import pytest

from deploy.local.stack import ROOT

PAGE = (ROOT / "docs/security.md").read_text()
ROWS = [line for line in PAGE.splitlines() if line.startswith("| ") and "`" in line]


@pytest.mark.parametrize("path", sorted(set(re.findall(r"`([\w/]+/test_\w+\.py)`", PAGE))))
def test_every_test_named_in_security_exists(path):
    assert (ROOT / "tests" / path.removeprefix("tests/")).exists()


@pytest.mark.parametrize("name", sorted(set(re.findall(r"`([A-Z]+_[A-Z_]+)[`=]", PAGE))))
def test_every_setting_named_in_security_exists(name):
    known = (ROOT / ".env.example").read_text() + (ROOT / "deploy/nginx/directives.sh").read_text()
    assert re.search(rf"\b{name}\b", known)


def test_every_row_of_security_names_a_test():
    assert len(ROWS) > 20
    assert [row for row in ROWS if "test_" not in row and "`manifests`" not in row] == []

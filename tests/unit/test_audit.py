"""What `make audit` makes of pip-audit's findings."""

from deploy.audit import CLEAN, UNREACHABLE, VULNERABLE, verdict

DJANGO = {"name": "django", "version": "5.2.1", "vulns": []}
FLAWED = {**DJANGO, "vulns": [{"id": "PYSEC-2025-1", "fix_versions": ["5.2.2"]}]}
UNKNOWN = {"name": "redis", "skip_reason": "Dependency not found on PyPI"}


def test_no_known_vulnerability():
    assert verdict([DJANGO]) == (CLEAN, ["No known vulnerability in 1 packages."])


def test_a_vulnerability_is_named_with_its_cure():
    code, lines = verdict([FLAWED, DJANGO])
    assert code == VULNERABLE
    assert lines == ["django 5.2.1: PYSEC-2025-1, fixed in 5.2.2"]


def test_a_package_that_the_service_does_not_know_is_no_success():
    assert verdict([DJANGO, UNKNOWN])[0] == VULNERABLE


def test_a_service_that_knows_nothing_is_not_reached():
    for dependencies in ([], [UNKNOWN]):
        code, lines = verdict(dependencies)
        assert code == UNREACHABLE
        assert lines[0].startswith("NOT AUDITED")

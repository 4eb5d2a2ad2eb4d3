"""The verdict of `make audit` about pip-audit's findings."""

from deploy.audit import CLEAN, UNREACHABLE, VULNERABLE, verdict

DJANGO = {"name": "django", "version": "5.2.1", "vulns": []}
FLAWED = {**DJANGO, "vulns": [{"id": "PYSEC-2025-1", "fix_versions": ["5.2.2"]}]}
UNKNOWN = {"name": "redis", "skip_reason": "Dependency not found on PyPI"}


def test_report_is_empty_without_vulnerabilities():
    assert verdict([DJANGO]) == (CLEAN, ["No known vulnerability in 1 packages."])


def test_vulnerability_is_reported_with_the_fixed_version():
    code, lines = verdict([FLAWED, DJANGO])
    assert code == VULNERABLE
    assert lines == ["django 5.2.1: PYSEC-2025-1, fixed in 5.2.2"]


def test_unknown_package_is_an_error():
    assert verdict([DJANGO, UNKNOWN])[0] == VULNERABLE


def test_service_without_any_answer_counts_as_unreachable():
    for dependencies in ([], [UNKNOWN]):
        code, lines = verdict(dependencies)
        assert code == UNREACHABLE
        assert lines[0].startswith("NOT AUDITED")

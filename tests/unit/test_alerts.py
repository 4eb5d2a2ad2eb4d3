"""Every alert says what happened, what follows and what to do, and has a section of docs/runbook.md."""

import re
from typing import Any

import pytest
import yaml

from deploy.local.stack import ROOT

PATH = "docs/runbook.md"
RUNBOOK = (ROOT / PATH).read_text()
GROUPS = yaml.safe_load((ROOT / "deploy/observability/alerts.yml").read_text())["groups"]
ALERTS: dict[str, dict[str, Any]] = {rule["alert"]: rule for group in GROUPS for rule in group["rules"]}


def test_alerts_have_unique_names():
    assert len(ALERTS) == sum(len(group["rules"]) for group in GROUPS)


def test_runbook_has_one_section_per_alert_and_no_other():
    assert re.findall(r"^## (.+)$", RUNBOOK, re.MULTILINE) == list(ALERTS)


@pytest.mark.parametrize("name", ALERTS)
def test_alert_says_what_happened_what_follows_and_what_to_do(name):
    annotations = ALERTS[name]["annotations"]
    # GitHub's anchor of a heading that is one word.
    assert annotations["runbook"] == f"{PATH}#{name.lower()}"
    assert annotations["summary"].endswith(".")
    assert re.fullmatch(r".+\. First .+\.", annotations["description"])


def test_dashboard_names_alerts_that_exist():
    dashboard = (ROOT / "deploy/observability/dashboards/stack.json").read_text()
    named = {name for names in re.findall(r"\bAlerts? (\w+(?:, \w+)*)\.", dashboard) for name in names.split(", ")}
    assert len(named) > 10
    assert named - set(ALERTS) == set()


def test_runbook_names_settings_that_exist():
    known = (ROOT / ".env.example").read_text()
    named = set(re.findall(r"`([A-Z]+(?:_[A-Z]+)+)[`=]", RUNBOOK))
    assert len(named) > 10
    assert {name for name in named if f"#{name}=" not in known} == set()


def test_runbook_quotes_log_lines_that_exist():
    quoted = re.findall(r"\b(?:warning|line) `([^`]+)`", RUNBOOK)
    assert len(quoted) > 4
    sources = "".join(path.read_text() for path in (ROOT / "src").rglob("*.py"))
    assert [line for line in quoted if f'"{line}' not in sources] == []

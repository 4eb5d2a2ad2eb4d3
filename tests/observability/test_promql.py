"""Evaluates every expression of the rules and of the dashboard in a Prometheus that scrapes a running stack."""

import json
import re
import subprocess
from typing import Any

import pytest

from tests.observability.prometheus import FOLDER, Prometheus, find_program

RULES_TEST = FOLDER.parents[1] / "tests" / "observability" / "alerts.yml"
PANELS: list[dict[str, Any]] = json.loads((FOLDER / "dashboards" / "stack.json").read_text())["panels"]
CHARTS = [panel for panel in PANELS if panel["type"] != "row"]
EXPRESSIONS = [target["expr"] for panel in CHARTS for target in panel["targets"]]
# Prometheus creates this series itself, and only while an alert is pending or firing.
ALERTS = "ALERTS"
# Expressions that the traffic of the fixture raises above 0.
RAISED_BY_TRAFFIC = [
    'sum(rate(http_requests_total{route="/feed/<slug:name>/", status="200"}[1m]))',
    'sum(rate(http_requests_total{route="unmatched", status="404"}[1m]))',
    'sum(rate(http_request_duration_seconds_count{route="/api/feeds/<slug:name>/posts"}[1m]))',
    'sum(rate(database_query_duration_seconds_count{job="web"}[1m]))',
    'sum(rate(database_query_duration_seconds_count{job="ws"}[1m]))',
    'sum(rate(websocket_handshakes_total{result="origin"}[1m]))',
    'sum(rate(nginx_refused_requests_total{limit="host"}[1m]))',
    "sum(rate(channel_layer_messages_sent_total[1m]))",
    "sum(rate(channel_layer_messages_received_total[1m]))",
    "sum(rate(channel_layer_send_duration_seconds_count[1m]))",
    "sum(rate(presence_announcements_sent_total[1m]))",
    "sum(rate(journal_batch_messages_sum[1m]))",
    "sum(rate(journal_commit_duration_seconds_count[1m]))",
    "min(channel_layer_up)",
    'sum(rate(websocket_handshakes_total{result="accepted"}[1m]))',
    "sum(rate(websocket_frames_received_total[1m]))",
    "sum(rate(websocket_received_bytes_total[1m]))",
    "sum(rate(websocket_frames_sent_total[1m]))",
    "sum(rate(websocket_sent_bytes_total[1m]))",
    "sum(rate(hub_delivery_duration_seconds_count[1m]))",
    "sum(rate(event_loop_lag_seconds_count[1m]))",
]


def rules(prometheus: Prometheus) -> list[dict[str, Any]]:
    return [rule for group in prometheus.get("rules")["groups"] for rule in group["rules"]]


def metrics_of(expression: str) -> set[str]:
    """Return the metric names of an expression: the words that are not functions, labels or keywords."""
    text = re.sub(r"\{[^}]*\}|\[[^]]*\]", " ", expression)
    text = re.sub(r"\b(by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)", " ", text)
    return set(re.findall(r"\b[a-zA-Z_:][\w:]*\b(?!\s*\()", text)) - {"and", "or", "unless", "bool"}


def test_promtool_accepts_the_configuration_and_the_rules() -> None:
    promtool = find_program("promtool")
    for command in (["check", "config", str(FOLDER / "prometheus.yml")], ["test", "rules", str(RULES_TEST)]):
        result = subprocess.run([promtool, *command], capture_output=True, text=True, check=False)
        assert result.returncode == 0, result.stdout + result.stderr


def test_prometheus_evaluates_every_rule_without_error(prometheus: Prometheus) -> None:
    loaded = rules(prometheus)
    assert len(loaded) == (FOLDER / "alerts.yml").read_text().count("- alert:")
    assert {rule["name"]: rule.get("lastError", "") for rule in loaded if rule["health"] != "ok"} == {}


def test_no_alert_fires_on_a_healthy_stack(prometheus: Prometheus) -> None:
    assert [rule["name"] for rule in rules(prometheus) if rule["state"] == "firing"] == []


def test_rules_and_dashboard_use_only_exposed_metrics(prometheus: Prometheus) -> None:
    known = set(prometheus.get("label/__name__/values"))
    expressions = [*EXPRESSIONS, *(rule["query"] for rule in rules(prometheus))]
    unknown = {expression: metrics_of(expression) - known - {ALERTS} for expression in expressions}
    assert {expression: names for expression, names in unknown.items() if names} == {}


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_dashboard_expression_returns_data(prometheus: Prometheus, expression: str) -> None:
    series = prometheus.query(expression.replace("$__rate_interval", "1m"))
    assert series or ALERTS in expression


@pytest.mark.parametrize("expression", RAISED_BY_TRAFFIC)
def test_traffic_raises_the_metric(prometheus: Prometheus, expression: str) -> None:
    (series,) = prometheus.query(expression)
    assert float(series["value"][1]) > 0


def test_panels_have_unique_ids_and_titles_and_do_not_overlap() -> None:
    datasource = (FOLDER / "grafana" / "datasources" / "prometheus.yml").read_text()
    assert len({panel["id"] for panel in PANELS}) == len(PANELS)
    assert len({panel["title"] for panel in PANELS}) == len(PANELS)
    cells: set[tuple[int, int]] = set()
    for panel in PANELS:
        x, y, w, h = (panel["gridPos"][name] for name in "xywh")
        taken = {(column, row) for column in range(x, x + w) for row in range(y, y + h)}
        assert x + w <= 24
        assert not taken & cells, panel["title"]
        cells |= taken
    for panel in CHARTS:
        assert panel["type"] in {"timeseries", "state-timeline"}
        assert f"uid: {panel['datasource']['uid']}\n" in datasource
        assert len({target["refId"] for target in panel["targets"]}) == len(panel["targets"])


def test_operations_page_describes_every_exposed_metric(prometheus: Prometheus) -> None:
    described = (FOLDER.parents[1] / "docs" / "operations.md").read_text()
    exposed = prometheus.get("label/__name__/values")
    exposed_by_us = {
        re.sub(r"_(bucket|sum|count|created)$", "", name)
        for name in exposed
        if not name.startswith(("process_", "python_", "scrape_", ALERTS))
    }
    assert {name for name in exposed_by_us if f"`{name}" not in described} == set()

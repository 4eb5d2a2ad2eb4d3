"""Tables, targets, chart and page, from given figures."""

from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.load import chart, page, report
from tests.load.results import Results
from tests.load.targets import RATE, TARGETS


@pytest.fixture
def results() -> Results:
    results = Results()
    for rate in (90_000, 110_000, 100_000):
        results.add("fan-out", "ours", {RATE: rate})
        results.add("fan-out", "tutorial", {RATE: rate / 20})
    return results


def test_table_shows_medians_spread_and_ratio(results: Results) -> None:
    text = report.text(results)
    assert "| this project                       | 100,000 (90,000-110,000) " in text
    assert "5,000 (4,500-5,500)" in text
    assert "| 20 ×" in text


def test_target_is_compared_if_both_servers_were_measured(results: Results) -> None:
    lines = [line for line in report.target_table(results).splitlines() if line.startswith("| fan-out")]
    assert len(lines) == 1
    assert "≥ 25" in lines[0]
    assert lines[0].endswith("| 20       | no  |")


def test_target_can_be_met_and_missed() -> None:
    for target in TARGETS:
        limit = target.at_least if target.at_least is not None else target.at_most
        assert limit is not None
        assert target.is_met(limit)
        assert target.is_met(limit * 2) != target.is_met(limit / 2)


def test_text_names_failed_runs_and_missing_servers(results: Results) -> None:
    results.fail("fan-out", "bun", "Lost: 1 of 2")
    results.missing["node-ws"] = "Node is not on PATH"
    assert "FAILED: fan-out, Bun publish, one process, no Redis: Lost: 1 of 2" in report.text(results)
    assert "Left out: Node ws + Redis: Node is not on PATH" in report.text(results)


def test_insert_replaces_the_results_and_keeps_the_prose(results: Results, tmp_path: Path) -> None:
    results.write(tmp_path / "results.json")
    text = page.insert(page.PAGE.read_text(), page.block(Results.read(tmp_path / "results.json")))
    assert text.count("### fan-out\n") == 1
    assert "## Scenarios" in text
    assert page.insert(text, page.block(results)) == text


def test_chart_is_an_svg_with_a_bar_per_server(results: Results) -> None:
    root = ElementTree.fromstring(chart.svg(results))
    bars = root.findall("{http://www.w3.org/2000/svg}rect")
    assert [bar.get("class") for bar in bars] == ["ours", "bar"]
    assert int(bars[0].get("width") or 0) == pytest.approx(20 * int(bars[1].get("width") or 0), rel=0.1)

"""The results as Markdown tables."""

from collections.abc import Iterator, Sequence

from tests.load.results import Results
from tests.load.scenarios import SCENARIOS, Scenario
from tests.load.servers import SERVERS
from tests.load.targets import TARGETS, Target

# A single server with more figures than these gets a row for each.
MOST_COLUMNS = 4


def text(results: Results) -> str:
    """Return a table per scenario, then the targets, then failed runs and missing servers."""
    blocks = [scenario_table(results, scenario) for scenario in SCENARIOS if scenario.name in results.runs]
    blocks.append(target_table(results))
    blocks.append("\n".join(remarks(results)))
    return "\n\n".join(block for block in blocks if block)


def scenario_table(results: Results, scenario: Scenario) -> str:
    """Return the medians by server, with the lowest and highest run, and the ratio of this project to each."""
    medians = results.medians[scenario.name]
    names = list(next(iter(medians.values())))
    ours = medians.get("ours")
    if len(medians) == 1 and len(names) > MOST_COLUMNS:
        (server,) = medians
        rows = [["figure", SERVERS[server].title]]
        rows += [[name, _with_spread(results, scenario.name, server, name)] for name in names]
        return _section(results, scenario, rows)
    rows = [["server", *names, "runs", *(["ratio"] if ours and len(medians) > 1 else [])]]
    for server in (server for server in scenario.servers_of(is_quick=False) if server in medians):
        cells = [_with_spread(results, scenario.name, server, name) for name in names]
        cells.append(str(len(results.runs[scenario.name][server])))
        if ours and len(medians) > 1:
            cells.append("" if server == "ours" else _divided(ours[names[0]], medians[server][names[0]]))
        rows.append([SERVERS[server].title, *cells])
    return _section(results, scenario, rows)


def _section(results: Results, scenario: Scenario, rows: Sequence[Sequence[str]]) -> str:
    return f"### {scenario.name}\n\n{scenario.load_of(results.is_quick)}\n\n{markdown(rows)}"


def target_table(results: Results) -> str:
    """Return the targets whose figures were measured, and whether they are met."""
    rows = [["scenario", "figure", "target", "measured", "met"]]
    for target in TARGETS:
        if target.scenario in results.runs and (value := value_of(target, results)) is not None:
            met = "yes" if target.is_met(value) else "no"
            rows.append([target.scenario, target.text, target.limit, f"{number(value)} {target.unit}".strip(), met])
    return f"### Targets\n\n{markdown(rows)}" if len(rows) > 1 else ""


def value_of(target: Target, results: Results) -> float | None:
    """Return the measured value of a target, or None if one of its servers was not measured."""
    try:
        return target.value(results.medians)
    except KeyError:
        return None


def remarks(results: Results) -> Iterator[str]:
    """Yield a line for every failed run and every missing server."""
    for scenario, server, reason in results.failures:
        yield f"FAILED: {scenario}, {SERVERS[server].title}: {reason}"
    for server, reason in results.missing.items():
        yield f"Left out: {SERVERS[server].title}: {reason}"


def markdown(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in rows
    ]
    return "\n".join([lines[0], "|" + "|".join("-" * (width + 2) for width in widths) + "|", *lines[1:]])


def number(value: float) -> str:
    """Return three significant digits, or all digits before the decimal point."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _with_spread(results: Results, scenario: str, server: str, figure: str) -> str:
    median = number(results.medians[scenario][server][figure])
    if len(results.runs[scenario][server]) == 1:
        return median
    lowest, highest = results.spread(scenario, server, figure)
    return f"{median} ({number(lowest)}-{number(highest)})"


def _divided(ours: float, other: float) -> str:
    return f"{number(ours / other)} ×" if other else "-"

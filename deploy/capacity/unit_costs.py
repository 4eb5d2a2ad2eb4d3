"""The unit costs: medians of a benchmark on this machine, otherwise those of docs/performance.md."""

import json
import re
import statistics
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
RESULTS, PAGE = ROOT / "bench/results.json", ROOT / "docs/performance.md"
SERVER, SERVER_ON_PAGE = "ours", "this project"
COSTS_COME_FROM = ("unit costs", "handshake", "through nginx", "idle connection")

# Figures of this project, by scenario and name.
Figures = Mapping[str, Mapping[str, float]]


@dataclass(frozen=True)
class UnitCosts:
    """CPU time in microseconds, memory in KiB.

    message: receive, store, acknowledge and publish one. event: receive it from Redis in each other process with
    members of the room. delivery: the frame for one member. announcement: one of presence, in each receiving process.
    topic: a room in one process, per second, for presence and polling. at_rest: an idle process, per second.
    publication: one message to Redis. push: one message from Redis to one process.
    """

    delivery: float
    event: float
    message: float
    announcement: float
    topic: float
    at_rest: float
    ping: float
    handshake: float
    redis_publication: float
    redis_push: float
    redis_at_rest: float
    nginx_frame: float
    postgres_message: float
    postgres_topic: float
    postgres_at_rest: float
    process_memory: float
    connection_memory: float
    topic_memory: float
    nginx_memory: float


def from_figures(figures: Figures) -> UnitCosts:
    """Return the costs from the figures of a benchmark; raises KeyError if one is missing.

    A small difference may be below zero because of noise; it counts as 0.
    """
    costs = {name: max(0.0, value) for name, value in figures["unit costs"].items()}
    return UnitCosts(
        delivery=costs["ws, µs per delivery"],
        event=costs["ws, µs per event"],
        message=costs["ws, µs per message"],
        announcement=costs["ws, µs per announcement"],
        topic=costs["ws, µs per topic and second"],
        at_rest=costs["ws, µs per process and second"],
        ping=costs["ws, µs per ping"],
        handshake=1e6 / figures["handshake"]["handshakes per CPU-second"],
        redis_publication=costs["Redis, µs per publication"],
        redis_push=costs["Redis, µs per push"],
        redis_at_rest=costs["Redis, µs per second"],
        nginx_frame=figures["through nginx"]["nginx, µs per delivery"],
        postgres_message=costs["PostgreSQL, µs per message"],
        postgres_topic=costs["PostgreSQL, µs per topic and second"],
        postgres_at_rest=costs["PostgreSQL, µs per second"],
        process_memory=costs["ws, KiB per process"],
        connection_memory=figures["idle connection"]["KiB per connection"],
        topic_memory=costs["ws, KiB per topic"],
        nginx_memory=costs["nginx, KiB per connection"],
    )


def read() -> tuple[UnitCosts, str]:
    """Return the costs, and where they were measured."""
    figures = from_page(PAGE.read_text())
    source = "docs/performance.md (make bench measures this machine)"
    if RESULTS.exists():
        results = json.loads(RESULTS.read_text())
        measured = from_results(results)
        used = [scenario for scenario in COSTS_COME_FROM if scenario in measured]
        if used:
            figures = {name: {**figures[name], **measured.get(name, {})} for name in COSTS_COME_FROM}
            machine = f"{results['machine']['processor']}, {results['machine']['cores']} cores"
            rest = "" if len(used) == len(COSTS_COME_FROM) else ", others of docs/performance.md"
            source = f"{', '.join(used)} of bench/results.json ({results['date']}, {machine}){rest}"
    return from_figures(figures), source


def from_results(results: Mapping[str, Any]) -> dict[str, dict[str, float]]:
    """Return the medians of bench/results.json."""
    return {
        scenario: {name: statistics.median(run[name] for run in servers[SERVER]) for name in servers[SERVER][0]}
        for scenario, servers in results["runs"].items()
        if SERVER in servers
    }


def from_page(page: str) -> dict[str, dict[str, float]]:
    """Return the medians in the tables of docs/performance.md, with a server per row or per column."""
    figures: dict[str, dict[str, float]] = {}
    for level, section in re.findall(r"^(##+) (.*?)(?=^##|\Z)", page, flags=re.MULTILINE | re.DOTALL):
        if level != "###":
            continue
        rows = [
            [cell.strip() for cell in line.strip("|").split("|")] for line in section.splitlines() if line[:1] == "|"
        ]
        if rows and len(rows[0]) == 2 and rows[0][1] == SERVER_ON_PAGE:
            cells = dict(rows[2:])
        else:
            cells = next((dict(zip(rows[0], row, strict=True)) for row in rows if row[0] == SERVER_ON_PAGE), {})
        found = {name: re.match(r"-?[\d,.]+", cell) for name, cell in cells.items()}
        figures[section.partition("\n")[0]] = {
            name: float(number[0].replace(",", "")) for name, number in found.items() if number
        }
    return figures

"""``make capacity``: estimates processes, cores and shards for a load, and names the limit that is reached first.

The environment variables of LOAD and LIMITS set the load and the limits; their defaults are those of the model.
"""

import math
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from deploy.capacity import unit_costs
from deploy.capacity.model import DoesNotFit, Limits, Load, Plan, plan

# The variable, the field that it sets, its type and its lowest value.
LOAD: list[tuple[str, str, Callable[[str], float], float]] = [
    ("CONNECTIONS", "connections", int, 1),
    ("ROOM", "room", int, 1),
    ("RATE", "rate", float, 0),
    ("MESSAGE", "text_bytes", int, 1),
    ("LIFETIME", "lifetime", float, 0),
    ("PING_INTERVAL", "ping_interval", float, 1),
]
LIMITS: list[tuple[str, str, Callable[[str], float], float]] = [
    ("UTILISATION", "utilisation", float, 0.01),
    ("DESCRIPTORS", "descriptors", int, 100),
    ("NGINX_WORKER_CONNECTIONS", "worker_connections", int, 100),
    ("MEMORY", "memory", int, 128),
    ("ADDRESSES", "addresses", int, 1),
    ("BANDWIDTH", "bandwidth", float, 1),
    ("POSTGRES_CORES", "postgres_cores", int, 1),
    ("POSTGRES_CONNECTIONS", "postgres_connections", int, 1),
]


def main() -> int:
    load = Load(**_given(LOAD))
    if load.room > load.connections:
        sys.exit(f"ROOM: {load.room:,} members are more than {load.connections:,} CONNECTIONS.")
    limits = Limits(**_given(LIMITS))
    costs, source = unit_costs.read()
    print(
        f"{load.connections:,} connections in {math.ceil(load.rooms):,} rooms of {load.room:,}; in each room", end=" "
    )
    print(f"{load.rate:g} messages/s of {load.text_bytes:,} bytes")
    print(f"Costs: {source}\n")
    try:
        needed = plan(load, limits, costs)
    except DoesNotFit as error:
        sys.exit(f"The load does not fit: {error}.")
    print("\n".join(report(needed, limits)))
    return 0 if needed.fits else 1


def report(needed: Plan, limits: Limits) -> Iterator[str]:
    """Yield the lines of the report: what is needed and why, and which limit is reached first."""
    rows = [["component", "number", "limited by", "cores used", "GiB", "number that each limit requires"]]
    for name, tier in needed.tiers.items():
        alone = ", ".join(f"{limit} {number(value)}" for limit, value in tier.needs.items())
        memory = number(tier.memory_gib) if tier.memory_gib else ""
        rows.append([name, f"{tier.count:,}", tier.limited_by, number(tier.cores), memory, alone])
    yield from table(rows)
    cores = sum(tier.cores for tier in needed.tiers.values())
    yield f"\nCores: {number(cores)} used, {number(cores / limits.utilisation)} at {limits.utilisation:.0%} each."

    yield "\nPer second:"
    now = needed.traffic
    yield from table(
        [
            ["messages", "deliveries", "events to processes", "presence to processes", "presence to members"],
            [
                number(value)
                for value in (
                    now.messages,
                    now.deliveries,
                    now.event_pushes,
                    now.announcement_pushes,
                    now.presence_deliveries,
                )
            ],
        ]
    )
    total = sum(needed.ws_cores.values()) or 1.0
    shares = sorted(needed.ws_cores.items(), key=lambda item: -item[1])
    yield "\nCPU of ws: " + ", ".join(f"{name} {share / total:.0%}" for name, share in shares if share / total >= 0.005)

    yield "\nUse of resources that more processes do not extend:"
    for name, share in sorted(needed.undivided.items(), key=lambda item: -item[1]):
        yield f"  {share:7.1%}  {name}"
    if not needed.fits:
        yield f"\nThe load does not fit because of: {needed.binds_first}."


def table(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield the rows in columns; the first row is the header."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def number(value: float) -> str:
    """Return three significant digits, or all digits before the decimal point."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _given(variables: Sequence[tuple[str, str, Callable[[str], float], float]]) -> dict[str, Any]:
    """Return the fields that the environment sets; ends the process if a value is invalid."""
    fields = {}
    for name, field, kind, lowest in variables:
        if text := os.environ.get(name):
            try:
                value = kind(text)
            except ValueError:
                value = math.nan
            # Not "value < lowest", which is false for NaN.
            if not lowest <= value < math.inf:
                whole = "a whole number" if kind is int else "a number"
                sys.exit(f"{name}: expected {whole} from {lowest:g}, got {text!r}.")
            fields[field] = value
    return fields


if __name__ == "__main__":
    sys.exit(main())

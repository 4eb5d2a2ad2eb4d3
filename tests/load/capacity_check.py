"""``make capacity-check``: compares small loads on a whole stack with the model of ``make capacity``."""

import asyncio
import gc
import statistics
import tempfile
from dataclasses import dataclass
from pathlib import Path

import uvloop

from deploy.capacity import model, unit_costs
from deploy.capacity.model import Load
from tests.load.fan_out import Figures
from tests.load.report import markdown, number
from tests.load.results import machine
from tests.load.rooms import Rooms
from tests.load.unit_costs import installation

SETTLE_SECONDS, SECONDS = 15, 40
NAMES = {"ws": "ws", "redis": "Redis", "nginx": "nginx", "postgres": "PostgreSQL"}


@dataclass(frozen=True)
class Point:
    """A load that this machine can carry together with the client, without arrivals and departures."""

    title: str
    load: Load
    processes: int


POINTS = [
    Point("small rooms, few messages", Load(2000, room=5, rate=0.05, lifetime=0), processes=4),
    Point("rooms of 20, busy", Load(1000, room=20, rate=4, lifetime=0), processes=3),
    Point("one room", Load(1000, room=1000, rate=10, lifetime=0), processes=2),
]


def expected(point: Point, costs: unit_costs.UnitCosts) -> Figures:
    """Return the cores of each component according to the model."""
    traffic = model.traffic(point.load, point.processes)
    return {
        "ws": sum(model.ws_cores(traffic, costs).values()),
        "redis": model.redis_cores(traffic, costs),
        "nginx": model.nginx_cores(traffic, costs),
        "postgres": model.postgres_cores(traffic, costs),
    }


async def measured(point: Point) -> Figures:
    """Return the cores that each component used under the load, with all members behind nginx."""
    load = point.load
    rooms, rate = round(load.rooms), load.rooms * load.rate
    with tempfile.TemporaryDirectory(prefix="capacity-") as folder:
        environment = {"PING_INTERVAL": f"{load.ping_interval:.0f}"}
        with installation(Path(folder), point.processes, environment) as at:
            async with Rooms([at.stack.url], rooms, load.room, load.text_bytes) as people:
                await people.send_at_rate(rate, SETTLE_SECONDS)
                loop = asyncio.get_running_loop()
                begun, before = loop.time(), at.cpu()
                await people.send_at_rate(rate, SECONDS)
                seconds, after = loop.time() - begun, at.cpu()
    return {role: (after[role] - before[role]) / seconds for role in before}


def main() -> None:
    costs, source = unit_costs.read()
    # A garbage collection in the client would delay all members.
    gc.disable()
    rows = [["load", "component", "cores, model", "cores, measured", "model / measured"]]
    errors = []
    for point in POINTS:
        print(f"{point.title}: {point.load.connections:,} connections, {point.processes} processes …", flush=True)
        modelled, used = expected(point, costs), uvloop.run(measured(point))
        for role, cores in used.items():
            ratio = modelled[role] / cores
            errors.append(abs(ratio - 1))
            rows.append([point.title, NAMES[role], number(modelled[role]), number(cores), f"{ratio:.2f}"])
        total = sum(modelled.values()) / sum(used.values())
        rows.append([point.title, "all", number(sum(modelled.values())), number(sum(used.values())), f"{total:.2f}"])
    where = machine()
    print(f"\nCosts: {source}\n{where['processor']}, {where['cores']} cores\n\n{markdown(rows)}\n")
    print(f"Median error of a component: {statistics.median(errors):.0%}")


if __name__ == "__main__":
    main()

"""``make drill``: every fault once, while 72 members write and read in four rooms, and a table of what they saw."""

import argparse
import asyncio
import contextlib
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from deploy.local import ProcessFailed, Stack
from deploy.local.binaries import BinaryMissing
from tests.platform.faults.disk import small_disk
from tests.platform.faults.injections import DISK_MEBIBYTES, FAULTS, Fault, NotPermitted
from tests.support.feed_stack import FeedStack
from tests.support.limits import NO_LIMITS
from tests.support.load import Load, Outcome
from tests.support.postgres import PostgresMissing, Server

WS_PROCESSES = 3
BEFORE, AFTER, AT_LEAST = 2_000, 2_000, 20_000


async def drill(stack: Stack, fault: Fault, postgres: Server | None = None, at_least: int = AT_LEAST) -> Outcome:
    """Inject the fault while messages flow, and return what the members saw once all is over.

    ``at_least`` is the number of deliveries to all members together.

    Raises TimeoutError when messages do not flow, and ProcessFailed when a process does not come back.
    """
    async with Load(stack.url) as load:
        await load.reach(BEFORE)
        note = await fault.inject(stack, postgres)
        # Enough in all, and enough of it after the fault.
        await load.reach(max(at_least, load.deliveries + AFTER))
        return await load.outcome(fault.name, note)


def table(outcomes: Iterable[Outcome]) -> list[str]:
    """Return the lines of a Markdown table."""
    heads = ["fault", "messages", "deliveries", "lost", "duplicated", "out of order", "gaps"]
    heads += ["slow for (s)", "longest silence (ms)", "slowest ack (ms)"]
    heads += ["close codes", "failed handshakes", "refusals"]
    rows = [heads, *(row(outcome) for outcome in outcomes)]
    widths = [max(len(line[column]) for line in rows) for column in range(len(heads))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |" for line in rows
    ]
    return [lines[0], "|" + "|".join("-" * (width + 2) for width in widths) + "|", *lines[1:]]


def row(outcome: Outcome) -> list[str]:
    count = outcome.count
    return [
        outcome.fault,
        f"{outcome.messages:,}",
        f"{count.deliveries:,}",
        str(count.lost + outcome.unacknowledged),
        str(count.duplicated + count.repeats + outcome.changed),
        str(count.out_of_order),
        str(count.gaps + count.altered),
        f"{outcome.slow:.1f}",
        f"{outcome.longest_silence * 1000:,.0f}",
        f"{outcome.longest_acknowledgement * 1000:,.0f}",
        *(
            ", ".join(f"{key} × {number}" for key, number in sorted(counter.items())) or "-"
            for counter in (outcome.close_codes, outcome.failed_handshakes, outcome.refusals)
        ),
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--postgres", action="store_true", help="on a PostgreSQL server of its own, not on SQLite")
    parser.add_argument("--only", metavar="WORDS", default="", help="only faults whose name has these words")
    arguments = parser.parse_args()
    outcomes = []
    try:
        with contextlib.ExitStack() as resources:
            postgres = resources.enter_context(running_postgres()) if arguments.postgres else None
            directory = Path(resources.enter_context(tempfile.TemporaryDirectory(prefix="drill-")))
            environment = resources.enter_context(database(directory, postgres))
            say(f"starting nginx, web, {WS_PROCESSES} ws processes, Redis, {'PostgreSQL' if postgres else 'SQLite'}")
            environment = NO_LIMITS | environment
            stack = resources.enter_context(FeedStack(directory, ws_processes=WS_PROCESSES, environment=environment))
            for fault in FAULTS:
                if fault.is_for(postgres) and arguments.only in fault.name:
                    try:
                        outcomes.append(run(stack, fault, postgres))
                    except NotPermitted as error:
                        say(f"  left out: {error}")
    except (BinaryMissing, ProcessFailed, PostgresMissing) as error:
        sys.exit(str(error))
    except TimeoutError:
        sys.exit("Messages stopped flowing, and did not flow again within a minute.")
    print("", *table(outcomes), "", sep="\n")
    return 0 if all(outcome.is_clean for outcome in outcomes) else 1


def run(stack: Stack, fault: Fault, postgres: Server | None) -> Outcome:
    started = time.monotonic()
    say(f"{fault.name} … {fault.inject.__doc__}")
    outcome = asyncio.run(drill(stack, fault, postgres))
    verdict = "lost nothing" if outcome.is_clean else "NOT CLEAN"
    say(f"  {outcome.count.deliveries:,} deliveries, {verdict} ({time.monotonic() - started:.0f} s)")
    if outcome.note:
        say(f"  {outcome.note}")
    return outcome


@contextlib.contextmanager
def database(directory: Path, postgres: Server | None) -> Iterator[dict[str, str]]:
    """Yield the settings of an empty database: of PostgreSQL's, or SQLite's on a disk that can be filled up."""
    if postgres:
        yield {"DATABASE_URL": postgres.create_database()}
        return
    disk = directory / "database"
    with small_disk(disk, DISK_MEBIBYTES):
        yield {"DATABASE_URL": f"sqlite:///{disk}/db.sqlite3"}


@contextlib.contextmanager
def running_postgres() -> Iterator[Server]:
    server = Server()
    try:
        server.start()
        yield server
    finally:
        server.stop()


def say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())

"""``make bench``: every server in turn under the same load, and a table of what each took for it.

The environment chooses: QUICK=1 a short run, ONLY some scenarios by name, separated by commas, or by words in their
name, PEERS the servers by name, ROUNDS how often all of it is repeated, BASELINE a checkout of another commit, whose
ws is measured beside this one as the server "baseline".
"""

import gc
import os
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import uvloop

from deploy.local.stack import ROOT
from tests.load import chart, report
from tests.load.results import Results
from tests.load.scenarios import SCENARIOS, Scenario
from tests.load.servers import SERVERS, ServerMissing

OUTPUT = ROOT / "bench"
ROUNDS, QUICK_ROUNDS = 5, 1


@dataclass(frozen=True)
class Choice:
    """What the environment asks for."""

    is_quick: bool = field(default_factory=lambda: os.environ.get("QUICK", "") not in {"", "0"})
    only: str = field(default_factory=lambda: os.environ.get("ONLY", ""))
    peers: list[str] = field(default_factory=lambda: os.environ.get("PEERS", "").split())

    def __post_init__(self) -> None:
        if unknown := set(self.peers) - SERVERS.keys():
            sys.exit(f"PEERS: no server is called {', '.join(sorted(unknown))}; there are {', '.join(SERVERS)}.")
        if not self.scenarios:
            names = ", ".join(scenario.name for scenario in SCENARIOS)
            sys.exit(f"ONLY: no scenario has {self.only!r} in its name; there are {names}.")

    @property
    def rounds(self) -> int:
        value = os.environ.get("ROUNDS") or str(QUICK_ROUNDS if self.is_quick else ROUNDS)
        if not value.isdecimal() or int(value) < 1:
            sys.exit(f"ROUNDS: {value!r} is not a whole number from 1 on.")
        return int(value)

    @property
    def scenarios(self) -> list[Scenario]:
        wanted = [words.strip() for words in self.only.split(",")]
        # A whole name is meant alone: "fan-out" is not "busy fan-out".
        exact = [scenario for scenario in SCENARIOS if scenario.name in wanted]
        return exact or [scenario for scenario in SCENARIOS if any(words in scenario.name for words in wanted)]

    def servers(self, scenario: Scenario) -> list[str]:
        if self.peers:
            return [server for server in scenario.servers_of(is_quick=False) if server in self.peers]
        return list(scenario.servers_of(self.is_quick))


def main() -> int:
    choice = Choice()
    # A collection in the client would be a pause in everyone's latency.
    gc.disable()
    results = Results(choice.is_quick)
    try:
        for number in range(1, choice.rounds + 1):
            for scenario in choice.scenarios:
                # From round to round in another order, so that none always follows the same.
                servers = choice.servers(scenario)
                turn = number % max(1, len(servers))
                for server in [*servers[turn:], *servers[:turn]]:
                    measure(results, scenario, server, choice.is_quick, f"round {number}/{choice.rounds}")
    except KeyboardInterrupt:
        say("\ninterrupted; this is what there is so far")
    OUTPUT.mkdir(exist_ok=True)
    results.write(OUTPUT / "results.json")
    chart.write(results, OUTPUT / "chart.svg")
    print("", report.text(results), sep="\n")
    print(f"Written: {OUTPUT.relative_to(ROOT)}/results.json and {OUTPUT.relative_to(ROOT)}/chart.svg")
    return 1 if results.failures else 0


def measure(results: Results, scenario: Scenario, server: str, is_quick: bool, place: str) -> None:
    """Run a scenario on a server once, and note its figures or why there are none."""
    if server in results.missing:
        return
    say(f"{place}  {scenario.name:<16} {server:<14} ", end="")
    started = time.monotonic()
    try:
        with tempfile.TemporaryDirectory(prefix="bench-") as directory:
            figures = uvloop.run(scenario.run(server, Path(directory), is_quick))
    except ServerMissing as error:
        reason = str(error)
        results.missing[server] = reason
        say(f"left out: {reason}")
    except Exception as error:
        reason = f"{type(error).__name__}: {error}".strip().splitlines()[0]
        results.fail(scenario.name, server, reason)
        say(f"FAILED: {reason}")
    else:
        results.add(scenario.name, server, figures)
        shown = ", ".join(f"{name} {report.number(value)}" for name, value in figures.items())
        say(f"{shown} ({time.monotonic() - started:.0f} s)")


def say(line: str, end: str = "\n") -> None:
    print(line, end=end, flush=True)


if __name__ == "__main__":
    sys.exit(main())

"""``make bench``: puts the same load on every server in turn, and prints tables of what each needed for it.

Environment variables: QUICK=1 for a short run; ONLY, scenarios by name or by words in their names, separated by commas;
PEERS, servers by name; ROUNDS, the number of repetitions; BASELINE, a checkout of another commit, whose ws is measured
side by side as the server "baseline".
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
    """The choices of the environment variables."""

    is_quick: bool = field(default_factory=lambda: os.environ.get("QUICK", "") not in {"", "0"})
    only: str = field(default_factory=lambda: os.environ.get("ONLY", ""))
    peers: list[str] = field(default_factory=lambda: os.environ.get("PEERS", "").split())

    def __post_init__(self) -> None:
        if unknown := set(self.peers) - SERVERS.keys():
            sys.exit(f"PEERS: unknown {', '.join(sorted(unknown))}; expected {', '.join(SERVERS)}.")
        if not self.scenarios:
            names = ", ".join(scenario.name for scenario in SCENARIOS)
            sys.exit(f"ONLY: no scenario has {self.only!r} in its name; expected {names}.")

    @property
    def rounds(self) -> int:
        value = os.environ.get("ROUNDS") or str(QUICK_ROUNDS if self.is_quick else ROUNDS)
        if not value.isdecimal() or int(value) < 1:
            sys.exit(f"ROUNDS: expected a whole number from 1, got {value!r}.")
        return int(value)

    @property
    def scenarios(self) -> list[Scenario]:
        wanted = [words.strip() for words in self.only.split(",")]
        # An exact name takes precedence: "fan-out" does not include "busy fan-out".
        exact = [scenario for scenario in SCENARIOS if scenario.name in wanted]
        return exact or [scenario for scenario in SCENARIOS if any(words in scenario.name for words in wanted)]

    def servers(self, scenario: Scenario) -> list[str]:
        if self.peers:
            return [server for server in scenario.servers_of(is_quick=False) if server in self.peers]
        return list(scenario.servers_of(self.is_quick))


def main() -> int:
    choice = Choice()
    # A garbage collection in the client would add to every latency.
    gc.disable()
    results = Results(choice.is_quick)
    try:
        for number in range(1, choice.rounds + 1):
            for scenario in choice.scenarios:
                # The order changes with each round, so that no server always follows the same one.
                servers = choice.servers(scenario)
                turn = number % max(1, len(servers))
                for server in [*servers[turn:], *servers[:turn]]:
                    measure(results, scenario, server, choice.is_quick, f"round {number}/{choice.rounds}")
    except KeyboardInterrupt:
        say("\ninterrupted; the results so far:")
    OUTPUT.mkdir(exist_ok=True)
    results.write(OUTPUT / "results.json")
    chart.write(results, OUTPUT / "chart.svg")
    print("", report.text(results), sep="\n")
    print(f"Written: {OUTPUT.relative_to(ROOT)}/results.json and {OUTPUT.relative_to(ROOT)}/chart.svg")
    return 1 if results.failures else 0


def measure(results: Results, scenario: Scenario, server: str, is_quick: bool, place: str) -> None:
    """Run a scenario on a server once, and record its figures or the failure."""
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

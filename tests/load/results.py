"""The figures of a benchmark, with machine and versions."""

import contextlib
import dataclasses
import datetime
import importlib.metadata
import json
import os
import platform
import shlex
import shutil
import statistics
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from deploy.local.binaries import find_nginx, find_redis
from deploy.local.stack import ROOT
from tests.load.fan_out import Figures
from tests.load.servers import NODE_MODULES, ServerMissing, bun

VARIABLES = ("QUICK", "ONLY", "PEERS", "ROUNDS")
PACKAGES = ("daphne", "channels", "channels-redis", "redis", "twisted", "autobahn", "django", "uvicorn", "picows")
NODE_PACKAGES = ("ws", "socket.io", "@socket.io/redis-adapter")


@dataclass
class Results:
    """Figures by scenario and server, one entry per run."""

    is_quick: bool = False
    runs: dict[str, dict[str, list[Figures]]] = field(default_factory=dict)
    failures: list[list[str]] = field(default_factory=list)
    # Servers that this machine cannot run, with the reason.
    missing: dict[str, str] = field(default_factory=dict)
    date: str = field(default_factory=lambda: datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC"))
    command: str = field(default_factory=lambda: command())
    machine: dict[str, str] = field(default_factory=lambda: machine())
    versions: dict[str, str] = field(default_factory=lambda: versions())

    @classmethod
    def read(cls, path: Path) -> "Results":
        """Read a file of ``write``."""
        return cls(**json.loads(path.read_text()))

    def write(self, path: Path) -> None:
        """Write everything as JSON."""
        path.write_text(json.dumps(dataclasses.asdict(self), indent=2, ensure_ascii=False) + "\n")

    def add(self, scenario: str, server: str, figures: Figures) -> None:
        self.runs.setdefault(scenario, {}).setdefault(server, []).append(figures)

    def fail(self, scenario: str, server: str, reason: str) -> None:
        self.failures.append([scenario, server, reason])

    @property
    def medians(self) -> dict[str, dict[str, Figures]]:
        """The median of each figure: by scenario, by server."""
        return {
            scenario: {
                server: {name: statistics.median(run[name] for run in runs) for name in runs[0]}
                for server, runs in servers.items()
            }
            for scenario, servers in self.runs.items()
        }

    def spread(self, scenario: str, server: str, figure: str) -> tuple[float, float]:
        """Return the lowest and the highest figure of all runs."""
        values = [run[figure] for run in self.runs[scenario][server]]
        return min(values), max(values)


def command() -> str:
    """Return the command line of this run."""
    chosen = [f"{name}={shlex.quote(os.environ[name])}" for name in VARIABLES if os.environ.get(name)]
    return " ".join(["make bench", *chosen])


def machine() -> dict[str, str]:
    """Describe the machine."""
    cpus = [line.partition(":")[2].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")]
    memory = next(int(line.split()[1]) for line in _lines("/proc/meminfo") if line.startswith("MemTotal"))
    return {
        "processor": cpus[0] if cpus else platform.machine(),
        "cores": str(os.cpu_count()),
        "memory": f"{memory / 2**20:.0f} GiB",
        "kernel": platform.release(),
    }


def versions() -> dict[str, str]:
    """Return the versions of the measured programs, and the commit of this checkout."""
    found = {"Python": platform.python_version()}
    found |= {package: importlib.metadata.version(package) for package in PACKAGES}
    found |= {name: node_version(name) for name in NODE_PACKAGES if (NODE_MODULES / name).exists()}
    found["Redis"] = _first_line(str(find_redis()), "--version")
    found["nginx"] = _first_line(str(find_nginx()), "-v")
    if node := shutil.which("node"):
        found["Node"] = _first_line(node, "--version")
    with contextlib.suppress(ServerMissing):
        found["Bun"] = _first_line(bun(), "--version")
    found["commit"] = _first_line("git", "-C", str(ROOT), "describe", "--always", "--dirty")
    return found


def node_version(package: str) -> str:
    """Return the version of an installed npm package."""
    return str(json.loads((NODE_MODULES / package / "package.json").read_text())["version"])


def _first_line(*command: str) -> str:
    try:
        result = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    except OSError:
        return "unknown"
    return (result.stdout + result.stderr).strip().partition("\n")[0] or "unknown"


def _lines(path: str) -> Sequence[str]:
    return Path(path).read_text().splitlines()

"""What the project wants to reach, as ratios between servers measured side by side wherever one is possible."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tests.load.fan_out import Figures

# The median of each figure: by scenario, by server.
Medians = Mapping[str, Mapping[str, Figures]]


@dataclass(frozen=True)
class Target:
    """``value`` raises KeyError where something was not measured. One of the limits is set."""

    scenario: str
    text: str
    value: Callable[[Medians], float]
    at_least: float | None = None
    at_most: float | None = None
    unit: str = ""

    def is_met(self, value: float) -> bool:
        """Whether the value is within the limit."""
        if self.at_least is not None:
            return value >= self.at_least
        return self.at_most is not None and value <= self.at_most

    @property
    def limit(self) -> str:
        sign, number = ("≥", self.at_least) if self.at_least is not None else ("≤", self.at_most)
        return f"{sign} {number:g} {self.unit}".strip()


def beside(
    scenario: str, server: str, figure: str, text: str, at_least: float | None = None, at_most: float | None = None
) -> Target:
    """Make a target for our figure divided by another server's."""
    return Target(
        scenario, text, lambda all: all[scenario]["ours"][figure] / all[scenario][server][figure], at_least, at_most
    )


def own(
    scenario: str, figure: str, unit: str = "", at_least: float | None = None, at_most: float | None = None
) -> Target:
    """Make a target for a figure of ours."""
    return Target(scenario, figure, lambda all: all[scenario]["ours"][figure], at_least, at_most, unit)


def between(
    scenario: str, figure: str, other: str, text: str, at_least: float | None = None, at_most: float | None = None
) -> Target:
    """Make a target for one figure of ours divided by another."""
    return Target(
        scenario, text, lambda all: all[scenario]["ours"][figure] / all[scenario]["ours"][other], at_least, at_most
    )


RATE = "deliveries per CPU-second"
TARGETS = [
    beside("fan-out", "tutorial", RATE, "ours / the tutorial on stock Daphne", at_least=25),
    beside("fan-out", "node-ws", RATE, "ours / Node ws + Redis", at_least=1.1),
    beside("fan-out", "socket.io", RATE, "ours / Socket.IO + Redis adapter", at_least=1.4),
    beside("fan-out", "bun", RATE, "ours / Bun's native publish", at_least=0.9),
    Target(
        "busy fan-out",
        "ours busy / ours one in flight",
        lambda all: all["busy fan-out"]["ours"][RATE] / all["fan-out"]["ours"][RATE],
        at_least=2,
    ),
    own("busy fan-out", "p99 (ms)", "ms", at_most=100),
    beside("latency", "node-ws", "p99 (ms)", "p99 of ours / of Node ws + Redis", at_most=1.2),
    own("idle connection", "KiB per connection", "KiB", at_most=18),
    beside("handshake", "tutorial", "handshakes per CPU-second", "ours / the tutorial on stock Daphne", at_least=2.2),
    own("durable sends", "acknowledged per second", at_least=2000),
    own("durable sends", "p99 (ms)", "ms", at_most=50),
    own("Redis commands", "per message, 10 members", at_most=2),
    own("Redis commands", "per message, 1,000 members", at_most=2),
    between("through nginx", "nginx, µs per delivery", "ws, µs per delivery", "CPU of nginx / of ws", at_least=1),
    between(
        "more processes",
        "4 processes, µs per delivery",
        "1 process, µs per delivery",
        "CPU per delivery with 4 processes / with 1",
        at_most=1.1,
    ),
    own("slow member", "growth (MiB)", "MiB", at_most=2),
    between("slow member", "p99 with it (ms)", "p99 without (ms)", "p99 of the others / without it", at_most=1.2),
    between("abuser", "p99 beside it (ms)", "p99 without (ms)", "p99 of the others / without it", at_most=2),
]

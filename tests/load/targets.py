"""The targets, as ratios between servers measured side by side where possible."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tests.load.fan_out import Figures

# The median of each figure: by scenario, by server.
Medians = Mapping[str, Mapping[str, Figures]]


@dataclass(frozen=True)
class Target:
    """A target: ``at_least`` or ``at_most``. ``value`` raises KeyError where a figure was not measured."""

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


def ratio_to(
    scenario: str, server: str, figure: str, text: str, at_least: float | None = None, at_most: float | None = None
) -> Target:
    """Return a target for the figure of this project divided by that of another server."""
    return Target(
        scenario, text, lambda all: all[scenario]["ours"][figure] / all[scenario][server][figure], at_least, at_most
    )


def own_figure(
    scenario: str, figure: str, unit: str = "", at_least: float | None = None, at_most: float | None = None
) -> Target:
    """Return a target for a figure of this project."""
    return Target(scenario, figure, lambda all: all[scenario]["ours"][figure], at_least, at_most, unit)


def own_ratio(
    scenario: str, figure: str, other: str, text: str, at_least: float | None = None, at_most: float | None = None
) -> Target:
    """Return a target for one figure of this project divided by another."""
    return Target(
        scenario, text, lambda all: all[scenario]["ours"][figure] / all[scenario]["ours"][other], at_least, at_most
    )


RATE = "deliveries per CPU-second"
TARGETS = [
    ratio_to("fan-out", "tutorial", RATE, "this project / the tutorial on stock Daphne", at_least=25),
    ratio_to("fan-out", "node-ws", RATE, "this project / Node ws + Redis", at_least=1.1),
    ratio_to("fan-out", "socket.io", RATE, "this project / Socket.IO + Redis adapter", at_least=1.4),
    ratio_to("fan-out", "bun", RATE, "this project / Bun publish", at_least=0.9),
    Target(
        "busy fan-out",
        "busy / one in flight",
        lambda all: all["busy fan-out"]["ours"][RATE] / all["fan-out"]["ours"][RATE],
        at_least=2,
    ),
    own_figure("busy fan-out", "p99 (ms)", "ms", at_most=100),
    ratio_to("latency", "node-ws", "p99 (ms)", "p99 of this project / of Node ws + Redis", at_most=1.2),
    own_figure("idle connection", "KiB per connection", "KiB", at_most=18),
    ratio_to(
        "handshake",
        "tutorial",
        "handshakes per CPU-second",
        "this project / the tutorial on stock Daphne",
        at_least=2.2,
    ),
    own_figure("durable sends", "acknowledged per second", at_least=2000),
    own_figure("durable sends", "p99 (ms)", "ms", at_most=50),
    own_figure("Redis commands", "per message, 10 members", at_most=2),
    own_figure("Redis commands", "per message, 1,000 members", at_most=2),
    own_ratio("through nginx", "nginx, µs per delivery", "ws, µs per delivery", "CPU of nginx / of ws", at_least=1),
    own_ratio(
        "more processes",
        "4 processes, µs per delivery",
        "1 process, µs per delivery",
        "CPU per delivery with 4 processes / with 1",
        at_most=1.1,
    ),
    own_figure("slow member", "growth (MiB)", "MiB", at_most=2),
    own_ratio(
        "slow member", "p99 with slow member (ms)", "p99 alone (ms)", "p99 with slow member / alone", at_most=1.2
    ),
    own_ratio("abuser", "p99 with abuser (ms)", "p99 alone (ms)", "p99 with abuser / alone", at_most=2),
]

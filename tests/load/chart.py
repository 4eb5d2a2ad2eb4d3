"""The results as a bar chart in SVG."""

from collections.abc import Mapping
from html import escape
from pathlib import Path

from tests.load.report import number
from tests.load.results import Results
from tests.load.servers import SERVERS

# The charts: scenario, figure, and which direction is better.
PANELS = [
    ("fan-out", "deliveries per CPU-second", "higher is better"),
    ("latency", "p99 (ms)", "lower is better"),
    ("idle connection", "KiB per connection", "lower is better"),
    ("handshake", "handshakes per CPU-second", "higher is better"),
]
WIDTH, LABEL_WIDTH, VALUE_WIDTH = 760, 250, 80
BAR, GAP, HEAD, MARGIN = 16, 6, 34, 16
STYLE = """
text { font: 13px system-ui, sans-serif; fill: #1f2328 }
.title { font-weight: 600 }
.hint, .value { fill: #59636e }
.bar { fill: #afb8c1 }
.ours { fill: #1f7a4d }
@media (prefers-color-scheme: dark) {
  text { fill: #f0f6fc }
  .hint, .value { fill: #9198a1 }
  .bar { fill: #59636e }
  .ours { fill: #3fb37f }
}
"""


def write(results: Results, path: Path) -> None:
    """Write the chart of the scenarios that were measured."""
    path.write_text(svg(results))


def svg(results: Results) -> str:
    top, parts = MARGIN, []
    for scenario, figure, better in PANELS:
        if medians := results.medians.get(scenario):
            values = {server: figures[figure] for server, figures in medians.items()}
            parts.append(_panel(top, f"{scenario}: {figure}", better, values))
            top += HEAD + len(values) * (BAR + GAP) + MARGIN
    body = "\n".join(parts)
    size = f'viewBox="0 0 {WIDTH} {top}" width="{WIDTH}" height="{top}"'
    title = "Cost of the same load on each server"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img">\n'
        f"<title>{title}</title>\n<style>{STYLE}</style>\n{body}\n</svg>\n"
    )


def _panel(top: int, title: str, better: str, values: Mapping[str, float]) -> str:
    lines = [
        f'<text class="title" x="{MARGIN}" y="{top + 14}">{escape(title)}'
        f'<tspan class="hint" font-weight="400" dx="10">{better}</tspan></text>'
    ]
    scale = (WIDTH - LABEL_WIDTH - VALUE_WIDTH) / max(values.values())
    for row, (server, value) in enumerate(sorted(values.items(), key=lambda item: item[1], reverse="higher" in better)):
        y = top + HEAD - 8 + row * (BAR + GAP)
        length = max(1, round(value * scale))
        style = "ours" if server == "ours" else "bar"
        lines += [
            f'<text x="{LABEL_WIDTH - 8}" y="{y + 13}" text-anchor="end">{escape(SERVERS[server].title)}</text>',
            f'<rect class="{style}" x="{LABEL_WIDTH}" y="{y}" width="{length}" height="{BAR}" rx="2"/>',
            f'<text class="value" x="{LABEL_WIDTH + length + 6}" y="{y + 13}">{number(value)}</text>',
        ]
    return "\n".join(lines)

"""``make bench-page``: writes the results of the last run into docs/performance.md and docs/performance.svg."""

import sys
from pathlib import Path

from deploy.local.stack import ROOT
from tests.load import chart, report
from tests.load.results import Results

PAGE, PICTURE = ROOT / "docs/performance.md", ROOT / "docs/performance.svg"
BEGIN, END = "<!-- make bench-page writes from here -->", "<!-- to here -->"


def main() -> None:
    source = ROOT / "bench/results.json"
    if not source.exists():
        sys.exit("bench/results.json is missing; run make bench first.")
    results = Results.read(source)
    if results.failures:
        sys.exit(f"The last run has failures, such as {results.failures[0]}; run make bench again.")
    PAGE.write_text(insert(PAGE.read_text(), block(results)))
    chart.write(results, PICTURE)
    print(f"Written: {_short(PAGE)} and {_short(PICTURE)}, from `{results.command}` of {results.date}")


def insert(page: str, text: str) -> str:
    """Return the page with the text between its two markers; raises ValueError if they are missing."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the page has no {BEGIN} and {END}")
    return f"{before}{BEGIN}\n{text}\n{END}{after}"


def block(results: Results) -> str:
    """Return date, machine and versions, and the tables."""
    machine = results.machine
    where = f"{machine['processor']}, {machine['cores']} cores, {machine['memory']}, Linux {machine['kernel']}"
    versions = ", ".join(f"{name} {version}" for name, version in results.versions.items())
    return f"`{results.command}` on {results.date}. {where}.\n{versions}.\n\n{report.text(results)}\n"


def _short(path: Path) -> str:
    return str(path.relative_to(ROOT))


if __name__ == "__main__":
    main()

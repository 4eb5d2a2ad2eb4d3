"""``make audit``: report known vulnerabilities of all locked packages, from PyPI.

pip-audit prints "No known vulnerabilities found" also if no service answered, such as behind a mirror of PyPI without
the JSON API. This program distinguishes the two.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

# Exit codes.
CLEAN, VULNERABLE, UNREACHABLE = 0, 1, 3


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("requirements", nargs="+", help="locked requirements, with hashes")
    parser.add_argument(
        "--skip-unreachable", action="store_true", help="exit with 0 if no vulnerability service answers"
    )
    arguments = parser.parse_args()

    program = str(Path(sys.executable).with_name("pip-audit"))
    command = [program, "--disable-pip", "--format", "json", "--progress-spinner", "off"]
    for requirements in arguments.requirements:
        command += ["--requirement", requirements]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        dependencies = json.loads(result.stdout)["dependencies"]
    except ValueError:
        dependencies = []
        print(result.stderr.strip().rpartition("\n")[2], file=sys.stderr)
    code, lines = verdict(dependencies)
    print("\n".join(lines))
    return 0 if code == UNREACHABLE and arguments.skip_unreachable else code


def verdict(dependencies: list[dict[str, Any]]) -> tuple[int, list[str]]:
    """Return the exit code and the lines to print for pip-audit's ``dependencies``."""
    audited = [dependency for dependency in dependencies if "skip_reason" not in dependency]
    if not audited:
        return UNREACHABLE, ["NOT AUDITED: PyPI's JSON API answered for none of the packages."]
    lines = [
        f"{dependency['name']} {dependency['version']}: {flaw['id']}, fixed in {', '.join(flaw['fix_versions']) or '-'}"
        for dependency in audited
        for flaw in dependency["vulns"]
    ]
    lines += [dependency["skip_reason"] for dependency in dependencies if "skip_reason" in dependency]
    if lines:
        return VULNERABLE, sorted(set(lines))
    return CLEAN, [f"No known vulnerability in {len(audited)} packages."]


if __name__ == "__main__":
    sys.exit(main())

"""``make rename NAME=acme``: replace the name of the template by that of your product.

It is in image names, the Kubernetes namespace and labels, page titles and documents. This file keeps the
template's name, so that the command can be repeated after a newer version of the template was merged.
"""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# In two pieces, so that renaming does not change this file.
TEMPLATE = "-".join(("channels", "stack"))
# A DNS label, because it is a namespace. Longer names would exceed the line length of `make lint`.
NAME = re.compile(r"[a-z][a-z0-9-]{1,18}[a-z0-9]")
# Names with another meaning in this repository.
RESERVED = {
    "accounts",
    "base",
    "channels",
    "chat",
    "django",
    "grafana",
    "nginx",
    "poll",
    "postgres",
    "prometheus",
    "redis",
}


def main(arguments: list[str]) -> str | None:
    """Rename, and return None. Return a one-line error, without any change, if that is not possible."""
    name = arguments[0] if arguments else ""
    if not NAME.fullmatch(name):
        return f"{name!r} is invalid: expected 3 to 20 lower-case letters, digits and hyphens, beginning with a letter."
    if name in RESERVED:
        return f"{name!r} has another meaning in this repository; choose another name."
    if name.startswith(TEMPLATE):
        return f"{name!r} begins with the name of the template; choose another name."
    files = git("grep", "--files-with-matches", "-I", "--fixed-strings", TEMPLATE).splitlines()
    if (current := current_name()) not in {TEMPLATE, name}:
        return f"This repository is already called {current}; only {TEMPLATE} can be renamed."
    if not files:
        print(f"This repository is already called {name}.")
        return None
    if git("status", "--porcelain"):
        return "There are uncommitted changes; commit or stash them, so that renaming can be undone."
    for path in (ROOT / file for file in files):
        path.write_text(path.read_text().replace(TEMPLATE, name))
    print(f"{len(files)} files changed. Look at them with git diff, then commit them.")
    return None


def current_name() -> str:
    """Return the product's name, which is that of the Kubernetes namespace."""
    found = re.search(r"^  name: (\S+)$", (ROOT / "deploy/k8s/base/namespace.yaml").read_text(), re.MULTILINE)
    assert found
    return found[1]


def git(*arguments: str) -> str:
    """Return the output of a git command. The exit code 1, of git grep without a match, is not an error."""
    result = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    if result.returncode > 1:
        sys.exit(f"git {arguments[0]}: {result.stderr.strip()}")
    return result.stdout


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

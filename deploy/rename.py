"""``make rename NAME=acme``: give this template your product's name, wherever its own stands.

Image names, the Kubernetes namespace and labels, page titles, documents. What the template is called stays in here, so
that it can be done again after a newer template was merged.
"""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# In two pieces, so that this file is not renamed itself.
TEMPLATE = "-".join(("channels", "stack"))
# A DNS label, since it is a namespace; a longer one would make lines that `make lint` refuses.
NAME = re.compile(r"[a-z][a-z0-9-]{1,18}[a-z0-9]")
# Names that stand for something else here: nobody could tell the two apart any more.
TAKEN = {
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
    """Rename, and return None; where that cannot be, change nothing and return one sentence that says why."""
    name = arguments[0] if arguments else ""
    if not NAME.fullmatch(name):
        return f"{name!r} is no name: expected 3 to 20 lower-case letters, digits and hyphens, a letter first."
    if name in TAKEN:
        return f"{name!r} has another meaning in this repository; choose another name."
    if name.startswith(TEMPLATE):
        return f"{name!r} contains the old name, which could never be seen to be gone; choose another name."
    files = git("grep", "--files-with-matches", "-I", "--fixed-strings", TEMPLATE).splitlines()
    if (current := current_name()) not in {TEMPLATE, name}:
        return f"This is {current} already; only a repository that is called {TEMPLATE} can be renamed."
    if not files:
        print(f"This is {name} already.")
        return None
    if git("status", "--porcelain"):
        return "There are changes that are not committed; commit or stash them, so that renaming can be undone."
    for path in (ROOT / file for file in files):
        path.write_text(path.read_text().replace(TEMPLATE, name))
    print(f"{len(files)} files changed. Look at them with git diff, then commit them.")
    return None


def current_name() -> str:
    """Return the name of the Kubernetes namespace, which is the product's."""
    found = re.search(r"^  name: (\S+)$", (ROOT / "deploy/k8s/base/namespace.yaml").read_text(), re.MULTILINE)
    assert found
    return found[1]


def git(*arguments: str) -> str:
    """Return what a git command says. git grep exits with 1 where it finds nothing, which is an answer too."""
    result = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    if result.returncode > 1:
        sys.exit(f"git {arguments[0]}: {result.stderr.strip()}")
    return result.stdout


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

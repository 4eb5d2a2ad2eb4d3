from pathlib import Path
from typing import Any

import polib
from django.core.management.base import BaseCommand, CommandError

from base.environment import ROOT


class Command(BaseCommand):
    """Writes a ``.mo`` file beside every ``.po`` file, unless it is newer than the ``.po`` file."""

    help = "Compile the translations without the system package of gettext."

    def handle(self, *args: Any, **options: Any) -> None:
        for folder in ("apps", "services"):
            for source in sorted((ROOT / folder).rglob("*.po")):
                target = source.with_suffix(".mo")
                if not target.exists() or target.stat().st_mtime < source.stat().st_mtime:
                    _compile(source, target)
                    self.stdout.write(f"compiled {source.relative_to(ROOT)}")


def _compile(source: Path, target: Path) -> None:
    try:
        catalogue = polib.pofile(str(source))
    except (OSError, ValueError) as error:
        raise CommandError(f"{source}: {error}") from error
    # Renamed into place, because another process may be reading it.
    partial = target.with_suffix(".partial")
    catalogue.save_as_mofile(str(partial))
    partial.replace(target)

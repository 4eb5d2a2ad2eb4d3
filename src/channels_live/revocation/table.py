"""Where revocations are stored: a table of the project, injected by a setting."""

import functools
from collections.abc import Collection
from typing import Protocol

from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from channels_live.conf import live_settings


class RevocationTable(Protocol):
    """An append-only table of subjects, numbered in ascending order. The methods block; they run in a thread.

    A column of 128 characters holds the package's own subjects: that of a user with a UUID as key has 106.
    """

    def add(self, subjects: Collection[str]) -> None:
        """Append the subjects, in the caller's transaction."""

    def begin(self) -> int:
        """Return a number below those of all revocations of the last minute; 0 is below all."""

    def after(self, number: int) -> list[tuple[int, str]]:
        """Return number and subject of the revocations with a higher number, in ascending order."""

    def prune(self) -> None:
        """Delete what is older than an hour or so; called once an hour."""


def revoke(*subjects: str) -> None:
    """Have every process close the sockets that were opened with one of the subjects, once this is committed. Blocks.

    Raises ImproperlyConfigured where the project has no table, and what the table raises.
    """
    table = get_table()
    if table is None:
        raise ImproperlyConfigured(
            'CHANNELS_LIVE["REVOCATION_TABLE"] is not set, so that revoke() could not close any socket.'
        )
    table.add(subjects)


def get_table() -> RevocationTable | None:
    """Return the table of the setting, None without one. Raises ImproperlyConfigured where it cannot be imported."""
    path = live_settings.REVOCATION_TABLE
    return _load(path) if path else None


@functools.cache
def _load(path: str) -> RevocationTable:
    try:
        table: RevocationTable = import_string(path)()
    except ImportError as error:
        raise ImproperlyConfigured(f'CHANNELS_LIVE["REVOCATION_TABLE"]: {error}.') from error
    return table

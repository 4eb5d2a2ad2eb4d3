"""Test databases that more than one process can use."""

import asyncio
from pathlib import Path

from channels.db import database_sync_to_async
from django.db import connections


def use_files(folder: Path) -> None:
    """Give each SQLite database that tests would have in memory a file, before the test runner makes them."""
    for connection in connections.all():
        if connection.vendor == "sqlite" and not connection.settings_dict["TEST"]["NAME"]:
            connection.settings_dict["TEST"]["NAME"] = str(folder / f"{connection.alias}.sqlite3")


def close_connections_of_coroutines() -> None:
    """Close what the ORM has opened in the thread that it uses for coroutines; blocks.

    PostgreSQL drops no database that somebody is connected to.
    """
    loop = asyncio.new_event_loop()
    loop.run_until_complete(database_sync_to_async(connections.close_all)())
    loop.close()

"""Which journal it is: the numbers do not tell where a dump was restored and more was written since."""

import hashlib

from django.db import connection, models

from channels_live.database.identity import database_identity

DIGITS = 12


def journal_epoch(table: type[models.Model]) -> str:
    """Return a text that changes when a restored dump or another database takes the place of the table; blocks.

    Raises DatabaseError where the database does not answer.
    """
    number = 0
    if connection.vendor == "postgresql":
        # A restore makes the table again, which gives it another number; the file of SQLite has one itself.
        with connection.cursor() as cursor:
            cursor.execute("SELECT %s::regclass::oid", [table._meta.db_table])
            (number,) = cursor.fetchone()
    return hashlib.sha256(f"{database_identity()} {number}".encode()).hexdigest()[:DIGITS]

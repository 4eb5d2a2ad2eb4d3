import os
import signal
import time
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management import BaseCommand, CommandError, CommandParser
from django.db import Error, connection

from channels_live.database.errors import is_temporary
from channels_live.database.start_checks import NOT_MIGRATED, check_encoding, check_tables, has_unapplied_migrations
from channels_live.observability.logs import first_line

LONGEST_WAIT_SECONDS = 5.0


class Command(BaseCommand):
    """Returns when the database answers, with ``--migrated`` when all migrations of the service are applied.

    Prints once what it waits for, and retries after 0.5 to LONGEST_WAIT_SECONDS. It exits with a one-line error for
    what waiting cannot change: an encoding that cannot store every text, a missing table or privilege. It waits for an
    unknown database, role or password, since these may not be created yet.
    """

    help = "Wait until the database answers, or until it is migrated."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--migrated", action="store_true", help="wait for every migration, too")

    def handle(self, *args: Any, migrated: bool, **options: Any) -> None:
        # The first process of a container ignores signals without a handler.
        signal.signal(signal.SIGTERM, lambda *_: os._exit(128 + signal.SIGTERM))
        wait, said = 0.5, ""
        while missing := self._missing(migrated):
            if missing != said:
                self.stdout.write(f"Waiting: {missing}")
                self.stdout.flush()
                said = missing
            time.sleep(wait)
            wait = min(2 * wait, LONGEST_WAIT_SECONDS)
        self.stdout.write("The database is migrated." if migrated else "The database answers.")

    def _missing(self, migrated: bool) -> str:
        """Return what is missing, or an empty text."""
        try:
            connection.ensure_connection()
            check_encoding()
            if migrated:
                if has_unapplied_migrations():
                    return NOT_MIGRATED
                check_tables()
        except ImproperlyConfigured as error:
            raise CommandError(str(error)) from None
        except Error as error:
            if not is_temporary(error):
                raise CommandError(f"DATABASE_URL: {first_line(error)}.") from error
            return f"the database does not answer: {error}".strip()
        finally:
            connection.close()
        return ""

import os
import signal
import time
from typing import Any

from django.core.management import BaseCommand, CommandParser, call_command
from django.db import Error, connection

LONGEST_WAIT_SECONDS = 5.0


class Command(BaseCommand):
    """Returns when the database answers, and with ``--migrated`` when every migration of the service is applied.

    Says once what it waits for, and asks again after 0.5 to LONGEST_WAIT_SECONDS; it never gives up.
    """

    help = "Wait until the database answers, or until it is migrated."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--migrated", action="store_true", help="wait for every migration, too")

    def handle(self, *args: Any, migrated: bool, **options: Any) -> None:
        # A container's first process ignores signals that it does not handle.
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
        """What is still missing, or an empty text."""
        try:
            connection.ensure_connection()
            if migrated:
                call_command("migrate", check_unapplied=True, verbosity=0)
        except Error as error:
            return f"the database does not answer: {error}".strip()
        except SystemExit:
            return "migrations are not applied yet; the Job migrate or `manage.py migrate` does it."
        finally:
            connection.close()
        return ""

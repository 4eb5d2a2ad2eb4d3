from typing import Any

from django.core.management.base import CommandError
from django.core.management.commands import migrate
from django.db.migrations.exceptions import InconsistentMigrationHistory


class Command(migrate.Command):
    """Django's migrate, with instructions instead of a traceback for a database with another user model."""

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            super().handle(*args, **options)
        except InconsistentMigrationHistory as error:
            raise CommandError(
                f"{error} If this database was created with Django's own user model, `manage.py adopt_auth_users` "
                "takes its users over; see docs/upgrading.md."
            ) from error

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connection, models
from django.db.migrations import AlterField, AlterModelTable
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.db.migrations.state import ProjectState

OLD_TABLE = "auth_user"
FIRST_MIGRATION = ("accounts", "0001_initial")


class Command(BaseCommand):
    """Renames the tables of ``auth.User`` into those of ``accounts.User``, in one transaction, rows and keys untouched.

    Django cannot swap a user model in after the first migration (https://code.djangoproject.com/ticket/25313), but
    both models have the same columns. Foreign keys of other tables follow the renamed table.
    """

    help = "Take over the users of a database that was created with Django's own user model. Run it before migrate."

    def handle(self, *args: Any, **options: Any) -> None:
        loader = MigrationLoader(connection)
        if FIRST_MIGRATION in loader.applied_migrations:
            raise CommandError("This database has the users of this project already; run `manage.py migrate`.")
        if OLD_TABLE not in connection.introspection.table_names():
            raise CommandError(f"This database has no table {OLD_TABLE}; run `manage.py migrate`.")
        with connection.schema_editor() as editor:
            state = _before(loader)
            for operation in (
                AlterModelTable("User", None),
                AlterField("User", "id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False)),
            ):
                after = state.clone()
                operation.state_forwards("accounts", after)
                operation.database_forwards("accounts", editor, state, after)
                state = after
            MigrationRecorder(connection).record_applied(*FIRST_MIGRATION)
            with connection.cursor() as cursor:
                # Permissions and the admin's log name the model by its row here.
                cursor.execute(
                    "UPDATE django_content_type SET app_label = 'accounts' WHERE app_label = 'auth' AND model = 'user'"
                )
                cursor.execute("SELECT count(*) FROM accounts_user")
                (count,) = cursor.fetchone()
        self.stdout.write(f"{count} users are now accounts of this project. Run `manage.py migrate`.")


def _before(loader: MigrationLoader) -> ProjectState:
    """Return the models as Django's own user model has left them in the database."""
    state = loader.project_state(FIRST_MIGRATION)
    AlterModelTable("User", OLD_TABLE).state_forwards("accounts", state)
    key = models.AutoField(auto_created=True, primary_key=True, serialize=False)
    AlterField("User", "id", key).state_forwards("accounts", state)
    return state

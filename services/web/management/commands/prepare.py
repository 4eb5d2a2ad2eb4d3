from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from channels_live.database import check_encoding


class Command(BaseCommand):
    """Runs the steps before the first start in one process, since each process would import Django again."""

    help = "Apply the migrations, compile the translations and collect the static files."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            check_encoding()
        except ImproperlyConfigured as error:
            raise CommandError(str(error)) from None
        call_command("migrate", interactive=False)
        call_command("compile_translations")
        call_command("collectstatic", interactive=False)

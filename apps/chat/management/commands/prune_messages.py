from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from chat.conf import chat_settings
from chat.journal import journal


class Command(BaseCommand):
    """Deletes in small transactions, so that the chat goes on meanwhile; harmless to repeat or to interrupt."""

    help = "Delete the messages that are older than RETENTION_DAYS; with 0 all are kept."

    def handle(self, *args: Any, **options: Any) -> None:
        days = chat_settings.RETENTION_DAYS
        if not days:
            self.stdout.write("RETENTION_DAYS is 0: every message is kept.")
            return
        deleted = journal.prune(timezone.now() - timedelta(days=days))
        self.stdout.write(
            f"Deleted messages older than {days} days: {sum(deleted.values())}, in rooms: {len(deleted)}."
        )

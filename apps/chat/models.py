from typing import Any

from django.conf import settings
from django.db import models, transaction

from channels_live.journal import Draft, Entry, Stream, entry_constraints


class Room(Stream):
    """A room, a stream of messages. A room without a row is public and empty."""

    class Access(models.TextChoices):
        """Who may enter; chat.access says what it means."""

        PUBLIC = "public", "everyone"
        MEMBERS = "members", "members only"
        STAFF = "staff", "staff only"

    # With a default of the database, for processes of the release before that still make rooms during an upgrade.
    access = models.CharField(max_length=10, choices=Access, default=Access.PUBLIC, db_default=Access.PUBLIC)

    def save(self, *args: Any, **options: Any) -> None:
        # What chat.access writes about the change is committed with it, or not at all.
        with transaction.atomic():
            super().save(*args, **options)


class Membership(models.Model):
    """Lets a user into a room for members only."""

    room = models.ForeignKey(Room, models.CASCADE, related_name="memberships", db_index=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="room_memberships")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["room", "user"], name="membership_room_user")]

    def __str__(self) -> str:
        return f"{self.user} in {self.room}"


class Ban(models.Model):
    """Keeps a user out of a room, whatever else would let them in."""

    room = models.ForeignKey(Room, models.CASCADE, related_name="bans", db_index=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="room_bans")
    reason = models.CharField(max_length=200, blank=True, help_text="For moderators only.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["room", "user"], name="ban_room_user")]

    def __str__(self) -> str:
        return f"{self.user} banned from {self.room}"

    def save(self, *args: Any, **options: Any) -> None:
        # As in Room.
        with transaction.atomic():
            super().save(*args, **options)


class Message(Entry):
    """One message of a room."""

    # Both unique constraints begin with the room: an index of its own would only mislead the planner.
    room = models.ForeignKey(Room, models.CASCADE, related_name="messages", db_index=False)
    author = models.CharField(max_length=150)
    text = models.TextField(blank=True)
    # Set when a moderator removed the text; the number stays.
    removed_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        constraints = entry_constraints("room", prefix="message")
        # For prune_messages.
        indexes = [models.Index(fields=["sent_at"], name="message_sent_at")]

    @property
    def is_removed(self) -> bool:
        """Whether a moderator removed the text."""
        return self.removed_at is not None

    is_changed = is_removed

    def is_of(self, draft: Draft) -> bool:
        """Whether it is the draft's message. The author may have another name by now, and the text may be removed."""
        return self.is_removed or self.text == draft.fields["text"]

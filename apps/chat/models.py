from typing import Any

from django.conf import settings
from django.db import models, transaction


class Room(models.Model):
    """A room and the sequence number of its newest message. A room without a row is public and empty."""

    class Access(models.TextChoices):
        """Who may enter; chat.access says what it means."""

        PUBLIC = "public", "everyone"
        MEMBERS = "members", "members only"
        STAFF = "staff", "staff only"

    name = models.CharField(max_length=64, unique=True)
    head = models.BigIntegerField(default=0)
    # The highest sequence number that retention has removed.
    pruned_to = models.BigIntegerField(default=0)
    # When the newest message came. Without an index, which every commit would have to write.
    active_at = models.DateTimeField(null=True, editable=False)
    # With a default of the database, for processes of the release before that still make rooms during an upgrade.
    access = models.CharField(max_length=10, choices=Access, default=Access.PUBLIC, db_default=Access.PUBLIC)

    def __str__(self) -> str:
        return self.name

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


class Message(models.Model):
    """One entry of a room's journal. The numbers of a room are 1, 2, 3 … without gap or repeat."""

    # Both unique constraints begin with the room: an index of its own would only mislead the planner.
    room = models.ForeignKey(Room, models.CASCADE, related_name="messages", db_index=False)
    seq = models.BigIntegerField()
    # Made by the client, so that a message which is sent again is stored once.
    client_id = models.CharField(max_length=64)
    author = models.CharField(max_length=150)
    text = models.TextField(blank=True)
    sent_at = models.DateTimeField()
    # Set when a moderator removed the text; the number stays.
    removed_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["room", "seq"], name="message_room_seq"),
            models.UniqueConstraint(fields=["room", "client_id"], name="message_room_client_id"),
        ]
        # For prune_messages.
        indexes = [models.Index(fields=["sent_at"], name="message_sent_at")]

    def __str__(self) -> str:
        return f"{self.room_id}:{self.seq}"

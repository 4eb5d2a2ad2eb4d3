from django.db import models


class Room(models.Model):
    """A room and the sequence number of its newest message."""

    name = models.CharField(max_length=64, unique=True)
    head = models.BigIntegerField(default=0)
    # The highest sequence number that retention has removed.
    pruned_to = models.BigIntegerField(default=0)
    # When the newest message came. Without an index, which every commit would have to write.
    active_at = models.DateTimeField(null=True, editable=False)

    def __str__(self) -> str:
        return self.name


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

from typing import Any

from django.contrib.auth.models import AbstractUser
from django.db import models, transaction


class User(AbstractUser):
    """A model of our own from the first migration on, because Django cannot swap it in later."""

    def save(self, *args: Any, **options: Any) -> None:
        # What accounts.revocations writes about the change is committed with it, or not at all.
        with transaction.atomic():
            super().save(*args, **options)


class ApiToken(models.Model):
    """Lets a program act as a user. The token itself is shown once, when it is made, and not kept."""

    user = models.ForeignKey(User, models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=100, help_text="What uses it, so that you know later whether it may go.")
    # SHA-256, in hexadecimal.
    digest = models.CharField(max_length=64, unique=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True, blank=True, help_text="Empty: never.")

    class Meta:
        verbose_name = "API token"

    def __str__(self) -> str:
        return f"{self.name} ({self.user})"

    def save(self, *args: Any, **options: Any) -> None:
        # As in User.
        with transaction.atomic():
            super().save(*args, **options)


class Ticket(models.Model):
    """Opens one WebSocket as a user, within seconds. The ticket itself is not kept."""

    # SHA-256, in hexadecimal.
    digest = models.CharField(max_length=64, primary_key=True)
    user = models.ForeignKey(User, models.CASCADE, related_name="tickets")
    # The session or token that it was made with, as a subject of accounts.revocations: it ends with that.
    made_with = models.CharField(max_length=100, db_index=True)
    expires_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"ticket of {self.user}"


class Revocation(models.Model):
    """A line of the append-only table that tells every ws process whom to close: see accounts.revocations."""

    subject = models.CharField(max_length=100)
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)

    def __str__(self) -> str:
        return self.subject

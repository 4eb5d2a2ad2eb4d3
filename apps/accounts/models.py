from typing import Any

from django.contrib.auth.models import AbstractUser
from django.db import models, transaction
from django.utils.translation import gettext_lazy as _

from accounts.usernames import skeleton_digest, validate_username


class User(AbstractUser):
    """A model of our own from the first migration on, because Django cannot swap it in later."""

    username = models.CharField(
        _("username"),
        max_length=150,
        unique=True,
        help_text=_("Required. 150 characters or fewer. Letters, digits and @/./+/-/_ only."),
        validators=[AbstractUser.username_validator, validate_username],
        error_messages={"unique": _("A user with that username already exists.")},
    )
    # See accounts.usernames.skeleton_digest: unique, so that two concurrent sign-ups cannot take names that look alike.
    # NULL for existing users whose names already did, and for users that the previous release makes during an upgrade.
    skeleton = models.CharField(max_length=64, unique=True, null=True, editable=False)  # noqa: DJ001

    def clean_fields(self, exclude: Any = None) -> None:
        # A user whose name would be refused today can still be edited and deactivated.
        if self.pk and User.objects.filter(pk=self.pk, username=self.username).exists():
            exclude = {*(exclude or ()), "username"}
        super().clean_fields(exclude=exclude)

    def save(self, *args: Any, **options: Any) -> None:
        # What accounts.revocations writes about the change is committed with it, or not at all.
        with transaction.atomic():
            # Each login saves too, and so corrects the rows that the previous release wrote during an upgrade.
            if self._set_skeleton() and (fields := options.get("update_fields")):
                options["update_fields"] = {*fields, "skeleton"}
            super().save(*args, **options)

    def _set_skeleton(self) -> bool:
        """Set the skeleton of the name; return whether it changed. Existing names that look alike stay as they are."""
        skeleton = skeleton_digest(self.username)
        if skeleton == self.skeleton:
            return False
        if not self._state.adding:
            others = User.objects.exclude(pk=self.pk).filter(skeleton=skeleton)
            if others.exists() and User.objects.filter(pk=self.pk, username=self.username).exists():
                return False
        self.skeleton = skeleton
        return True


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
    # The subject of the session or token that it was issued with (channels_live.revocation): it is revoked with that.
    made_with = models.CharField(max_length=100, db_index=True)
    expires_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"ticket of {self.user}"


class Revocation(models.Model):
    """A row of the append-only table that tells every ws process which sockets to close: see accounts.revocations."""

    subject = models.CharField(max_length=100)
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)

    def __str__(self) -> str:
        return self.subject

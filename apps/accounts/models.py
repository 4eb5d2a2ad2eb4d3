from typing import Any

from django.contrib.auth.models import AbstractUser
from django.db import models, transaction
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.usernames import skeleton_digest, validate_username


class User(AbstractUser):
    """A model of our own from the first migration on, because Django cannot swap it in later."""

    username = models.CharField(
        _("username"),
        max_length=150,
        unique=True,
        help_text=_("Up to 150 characters: letters, digits and @ . + - _ only."),
        validators=[AbstractUser.username_validator, validate_username],
        error_messages={"unique": _("A user with that username already exists.")},
    )
    # See accounts.usernames.skeleton_digest: unique, so that two concurrent sign-ups cannot take names that look alike.
    # NULL for users whose names were alike before, and for users that the previous release adds during an upgrade.
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
    """Lets a program act as a user. The token itself is shown once, when it is created, and not stored."""

    user = models.ForeignKey(User, models.CASCADE, related_name="api_tokens", verbose_name=_("user"))
    name = models.CharField(
        _("name"),
        max_length=100,
        help_text=_("The program that uses the token, so that you can tell later whether it is still needed."),
    )
    # SHA-256, in hexadecimal.
    digest = models.CharField(max_length=64, unique=True, editable=False)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    expires_at = models.DateTimeField(
        _("expires at"), null=True, blank=True, help_text=_("Leave it empty for a token that doesn’t expire.")
    )

    class Meta:
        verbose_name = _("API token")
        verbose_name_plural = _("API tokens")

    def __str__(self) -> str:
        return f"{self.name} ({self.user})"

    def save(self, *args: Any, **options: Any) -> None:
        # As in User.
        with transaction.atomic():
            super().save(*args, **options)


class Ticket(models.Model):
    """Opens one WebSocket as a user, within seconds. The ticket itself is not stored."""

    # SHA-256, in hexadecimal.
    digest = models.CharField(max_length=64, primary_key=True)
    user = models.ForeignKey(User, models.CASCADE, related_name="tickets")
    # The subject of the session or token that it was issued with (channels_live.revocation): it is revoked with that.
    made_with = models.CharField(max_length=100, db_index=True)
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        verbose_name = _("ticket")
        verbose_name_plural = _("tickets")

    def __str__(self) -> str:
        return gettext("ticket of %(user)s") % {"user": self.user}


class Revocation(models.Model):
    """A row of the append-only table from which ws processes read which sockets to close: see accounts.revocations."""

    subject = models.CharField(max_length=100)
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        verbose_name = _("revocation")
        verbose_name_plural = _("revocations")

    def __str__(self) -> str:
        return self.subject

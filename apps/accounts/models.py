from django.contrib.auth.models import AbstractUser
from django.db import models


class User(AbstractUser):
    """A model of our own from the first migration on, because Django cannot swap it in later."""


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

from django.db import models


class Vote(models.Model):
    """What one voter says in one poll. Any name is a poll, as any name is a room of the chat."""

    poll = models.CharField(max_length=50)
    voter = models.CharField(max_length=150)
    is_yes = models.BooleanField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["poll", "voter"], name="poll_vote_once")]

    def __str__(self) -> str:
        return f"{self.voter} in {self.poll}: {self.is_yes}"

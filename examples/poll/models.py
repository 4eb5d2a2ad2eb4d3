from django.db import models
from django.utils.translation import gettext_lazy as _


class Vote(models.Model):
    """The vote of one voter in one poll. Any name is a poll, as any name is a room of the chat."""

    poll = models.CharField(_("poll"), max_length=50)
    voter = models.CharField(_("voter"), max_length=150)
    is_yes = models.BooleanField(_("yes"))

    class Meta:
        verbose_name = _("vote")
        verbose_name_plural = _("votes")
        constraints = [models.UniqueConstraint(fields=["poll", "voter"], name="poll_vote_once")]

    def __str__(self) -> str:
        return f"{self.voter} in {self.poll}: {self.is_yes}"

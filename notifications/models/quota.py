"""The provider's rate, shared by all workers where there is no Redis."""

from django.db import models


class RateBucket(models.Model):
    """A token bucket: so many recipients may be sent to now."""

    name = models.CharField(max_length=20, primary_key=True)
    level = models.FloatField(help_text="Tokens in it at `at`; below zero after a mail to many.")
    at = models.FloatField(help_text="Unix time.")

    def __str__(self) -> str:
        return self.name

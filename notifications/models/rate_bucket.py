"""The provider's rate, shared by all processes where there is no Redis."""

from django.db import models


class RateBucket(models.Model):
    """The state of delivery's rate limiter for one channel (services/delivery/rate_limiter.py)."""

    name = models.CharField(max_length=20, primary_key=True)
    level = models.FloatField(help_text="Tokens in it at `at`; below zero after a mail to many.")
    at = models.FloatField(help_text="Unix time.")
    recent = models.JSONField(
        default=dict, db_default={}, help_text="Recipients that permits were given for, by interval."
    )
    reserved_until = models.FloatField(
        default=0.0,
        db_default=0.0,
        help_text="Unix time until which room is reserved for a mail to many.",
    )
    reserved_for = models.PositiveIntegerField(default=0, db_default=0, help_text="Number of these recipients.")

    def __str__(self) -> str:
        return self.name

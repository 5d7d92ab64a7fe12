"""The provider's rate, shared by all workers where there is no Redis."""

from django.db import models


class RateBucket(models.Model):
    """What services/grants.py counts of one way out."""

    name = models.CharField(max_length=20, primary_key=True)
    level = models.FloatField(help_text="Tokens in it at `at`; below zero after a mail to many.")
    at = models.FloatField(help_text="Unix time.")
    recent = models.JSONField(
        default=dict, db_default={}, help_text="Recipients that leave was given for, by slot of time."
    )
    held_until = models.FloatField(
        default=0.0, db_default=0.0, help_text="Unix time until when room is left for a mail to many."
    )
    held_for = models.PositiveIntegerField(default=0, db_default=0, help_text="To how many it goes.")

    def __str__(self) -> str:
        return self.name

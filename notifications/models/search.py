"""The search text of messages."""

from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from notifications.models.messages import Message


class SearchText(models.Model):
    """The search text of a message. On PostgreSQL a trigger writes it (migration 0021); on SQLite there are no rows.

    It is in a separate table because otherwise every update of a message would update the large index.
    """

    message = models.OneToOneField(
        Message, on_delete=models.CASCADE, db_constraint=False, primary_key=True, related_name="search_text"
    )
    message_created_at = models.DateTimeField(db_default=Now(), editable=False)
    text = models.TextField(help_text="Written by the database.")
    request_id = models.CharField(max_length=64, default="", db_default="")

    class Meta:
        indexes = [
            models.Index(fields=["request_id"], name="notifications_request_id", condition=~Q(request_id="")),
            GinIndex(fields=["text"], name="notifications_search", opclasses=["gin_trgm_ops"]),
        ]

    def __str__(self) -> str:
        return f"{self.message_id}"

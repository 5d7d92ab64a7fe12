"""Queries of attachments, by name."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db import models

from notifications.states import FINISHED


class AttachmentQuerySet(models.QuerySet[Any]):
    """Files of mails."""

    def kept_of(self, messages: Iterable[Any]) -> "AttachmentQuerySet":
        """Of these messages, where the file is still there."""
        return self.filter(message__in=[message.pk for message in messages]).exclude(file="")

    def left_behind(self, before: datetime) -> "AttachmentQuerySet":
        """Still there, though their mail ended, cannot be sent again, and is older than `before`."""
        kept = self.exclude(file="").filter(
            message__status__in=FINISHED, message__payload="", message__created_at__lt=before
        )
        return kept.select_related("message")

    def in_folder(self, folder: str) -> "AttachmentQuerySet":
        """Those whose file lies there."""
        return self.filter(file__startswith=f"{folder}/")

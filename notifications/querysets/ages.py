"""Messages by how long ago they were of use."""

from datetime import datetime
from typing import Any

from django.db import models

from notifications.states import FINISHED, Status


class AgingMessages(models.QuerySet[Any]):
    """Messages that are to be forgotten, in part or whole."""

    def finished(self) -> "AgingMessages":
        """Nothing more is done about them by themselves."""
        return self.filter(status__in=FINISHED)

    def spent(self, now: datetime) -> "AgingMessages":
        """Failed, their life over, and their content still there."""
        return self.filter(status=Status.FAILED, expires_at__lte=now).exclude(payload="")

    def to_reduce(self, before: datetime) -> "AgingMessages":
        """Older, finished, and still saying what they said."""
        return self.finished().filter(created_at__lt=before, reduced_at__isnull=True).order_by("created_at")

    def to_remove(self, before: datetime) -> "AgingMessages":
        """Older and finished."""
        return self.finished().filter(created_at__lt=before).order_by("created_at")

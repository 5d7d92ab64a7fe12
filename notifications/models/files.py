"""Files that are kept in the database."""

from typing import ClassVar

from django.db import models
from django.utils import timezone

from notifications.querysets import StoredFileQuerySet


class StoredFile(models.Model):
    """A file of a mail that waits; gateways/files.py writes and reads it."""

    name = models.CharField(max_length=255, primary_key=True)
    content = models.BinaryField()
    created_at = models.DateTimeField(default=timezone.now)

    objects: ClassVar[StoredFileQuerySet] = StoredFileQuerySet.as_manager()  # type: ignore[assignment]

    def __str__(self) -> str:
        return self.name

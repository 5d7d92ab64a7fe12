"""Messages by how long ago they were of use."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connections, models

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

    def remove(self, pks: Sequence[UUID]) -> None:
        """Delete these messages with their timelines and the rows of their files, in a transaction of the caller's.

        On PostgreSQL by a statement for each table: Django would read each row first, and delete a hundred at a time.
        """
        own = self.model._default_manager.using(self.db)
        parts = (self.model.events, self.model.attachments, self.model.search_text)
        tables = [(part.rel if hasattr(part, "rel") else part.related).related_model for part in parts]
        if connections[self.db].vendor != "postgresql":
            own.filter(pk__in=pks).delete()
            return
        ids = f"{{{','.join(map(str, pks))}}}"
        with connections[self.db].cursor() as cursor:
            for table in tables:
                cursor.execute(f"DELETE FROM {table._meta.db_table} WHERE message_id = ANY (%s::uuid[])", [ids])  # noqa: S608
            cursor.execute(f"DELETE FROM {self.model._meta.db_table} WHERE id = ANY (%s::uuid[])", [ids])  # noqa: S608

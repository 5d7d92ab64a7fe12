"""Queries of errands, by name."""

from datetime import datetime
from typing import Any

from django.db import models


class ErrandQuerySet(models.QuerySet[Any]):
    """What is left to do."""

    def taken(self, pk: int) -> Any:
        """The errand, held until the transaction ends; None where it is done or in other hands."""
        return self.select_for_update(skip_locked=True).filter(pk=pk).first()

    def left_behind(self, before: datetime) -> "ErrandQuerySet":
        """What nobody has done since `before`, the earliest first."""
        return self.filter(created_at__lt=before).order_by("created_at")

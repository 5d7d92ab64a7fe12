"""Jobs that run after the response."""

from datetime import datetime
from typing import Optional, Self

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.states import DeferredJobKind


class DeferredJobQuerySet(models.QuerySet["DeferredJob"]):
    """Deferred jobs that have not run yet."""

    def claim(self, pk: int) -> Optional["DeferredJob"]:
        """Lock the job until the transaction ends and return it; None if it has run or another process runs it."""
        return self.select_for_update(skip_locked=True).filter(pk=pk).first()

    def created_before(self, time: datetime) -> Self:
        """Filter jobs created before `time`, oldest first."""
        return self.filter(created_at__lt=time).order_by("created_at")


class DeferredJob(models.Model):
    """Work of a request that runs after its response. The row is deleted once the job has run."""

    kind = models.CharField(max_length=30, choices=DeferredJobKind)
    details = models.JSONField(default=dict)
    created_at = models.DateTimeField(default=timezone.now, db_index=True)

    objects = DeferredJobQuerySet.as_manager()

    class Meta:
        verbose_name = _("deferred job")
        verbose_name_plural = _("deferred jobs")

    def __str__(self) -> str:
        return f"{self.kind} {self.created_at:%Y-%m-%d %H:%M}"

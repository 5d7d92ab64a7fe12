"""What is left to do once an answer was given."""

from typing import Any, ClassVar

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.querysets.errands import ErrandQuerySet
from accounts.states import ErrandKind


class Errand(models.Model):
    """Something that a request asked for and that its answer did not wait for; gone when it is done."""

    kind = models.CharField(max_length=30, choices=ErrandKind)
    details = models.JSONField(default=dict)
    created_at = models.DateTimeField(default=timezone.now, db_index=True)

    objects: ClassVar[Any] = ErrandQuerySet.as_manager()

    class Meta:
        verbose_name = _("errand")
        verbose_name_plural = _("errands")

    def __str__(self) -> str:
        return f"{self.kind} {self.created_at:%Y-%m-%d %H:%M}"

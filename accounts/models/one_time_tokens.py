"""Links that serve once."""

from typing import ClassVar

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models.users import User
from accounts.querysets import OneTimeTokenQuerySet
from accounts.states import TokenPurpose


class OneTimeToken(models.Model):
    """A link that serves once and for one purpose, known by its digest alone."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="one_time_tokens")
    purpose = models.CharField(max_length=20, choices=TokenPurpose)
    digest = models.CharField(max_length=64, unique=True)
    data = models.JSONField(default=dict, help_text=_("What the purpose needs, such as the new address."))
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField(db_index=True)
    consumed_at = models.DateTimeField(null=True, blank=True)

    objects: ClassVar[OneTimeTokenQuerySet] = OneTimeTokenQuerySet.as_manager()  # type: ignore[assignment]

    def __str__(self) -> str:
        return f"{self.user_id} {self.purpose}"

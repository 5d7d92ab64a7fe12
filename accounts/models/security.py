"""What happened to accounts, for good."""

from typing import ClassVar

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models.users import User
from accounts.querysets import SecurityEventQuerySet
from accounts.states import EventKind
from foodfleet.core.models import AppendOnly


class SecurityEvent(AppendOnly):
    """One thing that happened to one account. Append-only: neither changed nor removed through the ORM.

    Only the purge removes events, once they are older than SECURITY_EVENTS_REMOVED_AFTER_DAYS.
    """

    kind = models.CharField(_("kind"), max_length=40, choices=EventKind)
    # Whom it concerns is never changed, not even where the row of a user is removed by hand: no constraint, no cascade.
    user = models.ForeignKey(
        User, on_delete=models.DO_NOTHING, db_constraint=False, null=True, related_name="security_events"
    )
    actor = models.ForeignKey(
        User,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        null=True,
        related_name="+",
        help_text=_("Who did it, if not the user."),
    )
    created_at = models.DateTimeField(_("when"), default=timezone.now, editable=False)
    ip = models.GenericIPAddressField(_("IP address"), null=True, blank=True)
    user_agent = models.CharField(_("user agent"), max_length=400, blank=True, default="")
    request_id = models.CharField(_("request id"), max_length=64, blank=True, default="")
    session_id = models.UUIDField(_("session"), null=True, blank=True)
    details = models.JSONField(_("details"), default=dict)

    objects: ClassVar[SecurityEventQuerySet] = SecurityEventQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        base_manager_name = "objects"  # refuses what the default one of Django would do
        verbose_name = _("security event")
        verbose_name_plural = _("security events")
        indexes = [
            models.Index(fields=["user", "-created_at", "-id"], name="accounts_event_of_user"),
            models.Index(fields=["-created_at", "-id"], name="accounts_event_by_time"),
            models.Index(fields=["kind", "-created_at", "-id"], name="accounts_event_of_kind"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.created_at:%Y-%m-%d %H:%M}"

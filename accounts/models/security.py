"""Security events: the audit log of accounts."""

from datetime import datetime
from typing import Self

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models.users import User
from accounts.states import EventKind, event_kinds, event_label
from foodfleet.core.models import AppendOnly, AppendOnlyQuerySet


class SecurityEventQuerySet(AppendOnlyQuerySet):
    """Security events."""

    def of(self, user: User) -> Self:
        """Filter events of one user."""
        return self.filter(user=user)

    def with_people(self) -> Self:
        """Select user and actor of each event in the same query."""
        return self.select_related("user", "actor")

    def lock_since(self, time: datetime) -> "SecurityEvent | None":
        """Return the newest event, from `time` on, of a lock by staff, with its actor."""
        locks = self.filter(kind=EventKind.LOCKED, created_at__gte=time).select_related("actor")
        return locks.order_by("-created_at", "-id").first()

    def pseudonymise(self, user: User) -> None:
        """Remove a deleted user's personal data from the events; the events stay."""
        own = models.Q(user=user, actor__isnull=True) | models.Q(actor=user)
        models.QuerySet.update(self.filter(own), ip=None, user_agent="")
        models.QuerySet.update(self.filter(user=user), details={})

    def remove_older(self, time: datetime, *, limit: int) -> int:
        """Remove up to `limit` events older than `time`, oldest first, and return how many. Only the purge calls it."""
        older = self.filter(created_at__lt=time)  # in both queries, so that PostgreSQL skips newer partitions
        oldest = older.order_by("created_at", "pk").values_list("pk", flat=True)[:limit]
        return models.QuerySet.delete(older.filter(pk__in=list(oldest)))[0]


class SecurityEvent(AppendOnly):
    """An event of one account. Append-only: neither changed nor removed through the ORM.

    Only the purge removes events, once they are older than SECURITY_EVENTS_REMOVED_AFTER_DAYS. PostgreSQL stores them
    in partitions by month (migration 0033).
    """

    kind = models.CharField(_("kind"), max_length=40, choices=event_kinds)
    # No constraint and no cascade: the event stays as it is even if the row of the user is deleted by hand.
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

    objects = SecurityEventQuerySet.as_manager()

    class Meta:
        base_manager_name = "objects"  # Django's default manager would allow updates and deletes
        verbose_name = _("security event")
        verbose_name_plural = _("security events")
        indexes = [
            models.Index(fields=["user", "-created_at", "-id"], name="accounts_event_of_user"),
            models.Index(fields=["-created_at", "-id"], name="accounts_event_by_time"),
            models.Index(fields=["kind", "-created_at", "-id"], name="accounts_event_of_kind"),
            models.Index(fields=["ip", "-created_at", "-id"], name="accounts_event_of_ip"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.created_at:%Y-%m-%d %H:%M}"

    def get_kind_display(self) -> str:  # type: ignore[no-redef]  # the plugin of mypy defines it too
        """Return the label of the kind. Django's own translates the labels of all kinds for each event."""
        return event_label(self.kind)

"""Suppressed addresses, and users' preferences for kinds of messages."""

from collections.abc import Collection, Iterable, Iterator
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Case, Value, When
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from notifications.states import (
    EVERY_KIND,
    OPTIONAL_KINDS,
    REQUESTED_BY_RECIPIENT,
    TO_PEOPLE_CHOICES,
    Kind,
    SuppressionReason,
)


class SuppressionQuerySet(models.QuerySet["Suppression"]):
    """Queries of suppressed addresses."""

    def live(self) -> "SuppressionQuerySet":
        """Filter suppressions that were not lifted."""
        return self.filter(lifted_at__isnull=True)

    def of(self, channel: str, addresses: Iterable[str]) -> "SuppressionQuerySet":
        """Filter the live suppressions of these normalized addresses."""
        return self.live().filter(channel=channel, address__in=list(addresses))

    def of_kinds(self, kinds: Iterable[str]) -> "SuppressionQuerySet":
        """Filter suppressions of these kinds of messages; EVERY_KIND: of all messages."""
        return self.filter(kind__in=list(kinds))

    def search(self, part: str) -> "SuppressionQuerySet":
        """Filter suppressions whose address or number contains this part."""
        return self.filter(address__contains=part.strip().lower())

    def requested_by_recipient(self) -> "SuppressionQuerySet":
        """Filter suppressions that the recipient requested, by STOP, a link or a complaint."""
        return self.filter(reason__in=REQUESTED_BY_RECIPIENT)

    def lift(self, now: datetime, by: User | None, because: str = "") -> int:
        """Lift the live suppressions and return their number."""
        return self.live().update(lifted_at=now, lifted_by=by, lifted_because=because)


class Suppression(models.Model):
    """An address or number that gets no messages, or none of one kind, until the suppression is lifted."""

    channel = models.CharField(_("channel"), max_length=10, choices=TO_PEOPLE_CHOICES)
    address = models.CharField(_("address"), max_length=254)
    kind = models.CharField(
        _("kind"),
        max_length=10,
        choices=[(kind.value, kind.label) for kind in OPTIONAL_KINDS],
        blank=True,
        default=EVERY_KIND,
        db_default=EVERY_KIND,
        help_text=_("Empty: nothing at all is sent."),
    )
    reason = models.CharField(_("reason"), max_length=20, choices=SuppressionReason)
    detail = models.CharField(_("detail"), max_length=500, blank=True, default="")
    created_at = models.DateTimeField(_("since"), default=timezone.now, editable=False)
    lifted_at = models.DateTimeField(_("lifted"), null=True, blank=True, editable=False)
    lifted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
        verbose_name=_("lifted by"),
    )
    lifted_because = models.CharField(
        _("lifted because"), max_length=500, blank=True, default="", db_default="", editable=False
    )

    objects = SuppressionQuerySet.as_manager()

    class Meta:
        verbose_name = _("suppressed address")
        verbose_name_plural = _("suppressed addresses")
        constraints = [
            models.UniqueConstraint(
                fields=["channel", "address", "kind"],
                condition=models.Q(lifted_at__isnull=True),
                name="notifications_suppressed_once",
                violation_error_message=_("Nothing is sent to this address already."),
            )
        ]

    def __str__(self) -> str:
        return self.address


class PreferenceQuerySet(models.QuerySet["Preference"]):
    """Queries of preferences."""

    def of(self, user: User) -> "PreferenceQuerySet":
        """Filter the preferences of one user."""
        return self.filter(user=user)

    def unsubscribed(
        self, *, users: Collection[int], emails: Collection[str], phones: Collection[str]
    ) -> Iterator[tuple[str, int, str, str]]:
        """Yield the kinds that these users have turned off, with id, e-mail address and confirmed number of each.

        Uses one query for ids, addresses and numbers each, so that each uses an index.
        """
        ways: list[tuple[Collection[Any], dict[str, Any]]] = [
            (users, {"user__in": list(users)}),
            (emails, {"user__email__in": list(emails)}),
            (phones, {"user__phone__in": list(phones), "user__phone_verified_at__isnull": False}),
        ]
        number = Case(When(user__phone_verified_at__isnull=False, then="user__phone"), default=Value(""))
        for values, way in ways:
            if values:
                found = self.filter(is_wanted=False, **way)
                yield from found.values_list("kind", "user_id", "user__email", number)


class Preference(models.Model):
    """Whether a user wants a kind of message. Without a row the user wants it."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="preferences", verbose_name=_("user")
    )
    kind = models.CharField(_("kind"), max_length=10, choices=[(kind.value, kind.label) for kind in OPTIONAL_KINDS])
    is_wanted = models.BooleanField(_("wanted"))
    changed_at = models.DateTimeField(_("changed"), auto_now=True)

    objects = PreferenceQuerySet.as_manager()

    class Meta:
        verbose_name = _("preference")
        verbose_name_plural = _("preferences")
        constraints = [
            models.UniqueConstraint(fields=["user", "kind"], name="notifications_preference_once"),
            models.CheckConstraint(
                condition=~models.Q(kind=Kind.SECURITY), name="notifications_security_is_always_sent"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user}: {self.get_kind_display()}"

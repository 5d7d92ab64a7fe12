"""Who gets what: addresses that nothing is sent to, and what a person wants to be told."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from notifications.querysets import PreferenceQuerySet, SuppressionQuerySet
from notifications.states import EVERY_KIND, OPTIONAL_KINDS, Channel, Kind, SuppressionReason


class Suppression(models.Model):
    """An address or number that nothing, or nothing of one kind, is sent to, until somebody lifts it."""

    channel = models.CharField(_("channel"), max_length=10, choices=Channel)
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

    objects: ClassVar[SuppressionQuerySet] = SuppressionQuerySet.as_manager()  # type: ignore[assignment]

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


class Preference(models.Model):
    """That a person wants a kind of message, or does not; without a row they do."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="preferences", verbose_name=_("user")
    )
    kind = models.CharField(_("kind"), max_length=10, choices=[(kind.value, kind.label) for kind in OPTIONAL_KINDS])
    is_wanted = models.BooleanField(_("wanted"))
    changed_at = models.DateTimeField(_("changed"), auto_now=True)

    objects: ClassVar[PreferenceQuerySet] = PreferenceQuerySet.as_manager()  # type: ignore[assignment]

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

"""Delivery reports of providers."""

from collections.abc import Collection
from datetime import datetime

from django.db import models
from django.db.models import Exists, Max, OuterRef
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from notifications.models.messages import Message
from notifications.states import ReceiptState


class ReceiptQuerySet(models.QuerySet["Receipt"]):
    """Queries of delivery reports."""

    def waiting(self) -> "ReceiptQuerySet":
        """Filter reports whose message was not found yet, the oldest first."""
        return self.filter(state=ReceiptState.WAITING).order_by("received_at", "pk")

    def about(self, messages: models.QuerySet[Message]) -> "ReceiptQuerySet":
        """Filter reports about these messages."""
        return self.filter(Exists(messages.filter(provider_message_id=OuterRef("provider_message_id"))))

    def known(self, source_ids: Collection[str]) -> set[str]:
        """Return which of these ids are stored."""
        return set(self.filter(source_id__in=source_ids).values_list("source_id", flat=True))

    def newest_from(self, source: str) -> datetime | None:
        """Return the time of the newest report of a source (the prefix of its ids)."""
        newest: datetime | None = self.filter(source_id__startswith=source).aggregate(Max("occurred_at"))[
            "occurred_at__max"
        ]
        return newest

    def received_before(self, before: datetime) -> "ReceiptQuerySet":
        """Filter reports received before `before`."""
        return self.filter(received_at__lt=before)

    def settle(self, pk: int, state: str) -> bool:
        """Set the state of a waiting report and delete its data; False if another process was faster."""
        return self.filter(pk=pk, state=ReceiptState.WAITING).update(state=state, data={}) == 1

    def without_message_id(self) -> "ReceiptQuerySet":
        """Filter reports without one of our message ids."""
        return self.filter(data__message_id="")

    def give_up(self) -> int:
        """Set all to IGNORED and return their number."""
        return self.order_by().update(state=ReceiptState.IGNORED, data={})


class Receipt(models.Model):
    """A report of a provider, stored until a replay of it would be refused because of its age."""

    source_id = models.CharField(_("report's id"), max_length=200, unique=True)
    fingerprint = models.CharField(
        _("fingerprint"), max_length=64, unique=True, help_text=_("Of its content: the same report comes by two ways.")
    )
    provider_message_id = models.CharField(_("provider's id"), max_length=200, db_index=True)
    data = models.JSONField(_("data"), default=dict, help_text=_("What is needed to apply it."))
    state = models.CharField(_("state"), max_length=10, choices=ReceiptState, default=ReceiptState.WAITING)
    occurred_at = models.DateTimeField(_("occurred"))
    received_at = models.DateTimeField(_("received"), default=timezone.now, editable=False)

    objects = ReceiptQuerySet.as_manager()

    class Meta:
        verbose_name = _("report of a provider")
        verbose_name_plural = _("reports of providers")
        indexes = [
            models.Index(
                fields=["received_at"], name="notifications_receipt_waiting", condition=models.Q(state="waiting")
            ),
            models.Index(fields=["received_at", "id"], name="notifications_receipt_age"),
        ]

    def __str__(self) -> str:
        return self.source_id

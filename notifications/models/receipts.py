"""What providers report about messages."""

from typing import ClassVar

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from notifications.querysets import ReceiptQuerySet
from notifications.states import ReceiptState


class Receipt(models.Model):
    """One report of a provider, kept until replays of it cannot come any more."""

    source_id = models.CharField(_("report's id"), max_length=200, unique=True)
    fingerprint = models.CharField(
        _("fingerprint"), max_length=64, unique=True, help_text=_("Of its content: the same report comes by two ways.")
    )
    provider_message_id = models.CharField(_("provider's id"), max_length=200, db_index=True)
    data = models.JSONField(_("data"), default=dict, help_text=_("What is needed to apply it."))
    state = models.CharField(_("state"), max_length=10, choices=ReceiptState, default=ReceiptState.WAITING)
    occurred_at = models.DateTimeField(_("occurred"))
    received_at = models.DateTimeField(_("received"), default=timezone.now, editable=False)

    objects: ClassVar[ReceiptQuerySet] = ReceiptQuerySet.as_manager()  # type: ignore[assignment]

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

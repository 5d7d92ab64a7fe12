"""Queries of providers' reports."""

from datetime import datetime
from typing import Any

from django.db import models
from django.db.models import Exists, OuterRef

from notifications.states import ReceiptState


class ReceiptQuerySet(models.QuerySet[Any]):
    """Reports of providers."""

    def waiting(self) -> "ReceiptQuerySet":
        """Those whose message was not found yet, oldest first."""
        return self.filter(state=ReceiptState.WAITING).order_by("received_at", "pk")

    def about(self, messages: models.QuerySet[Any]) -> "ReceiptQuerySet":
        """Those about one of `messages`."""
        return self.filter(Exists(messages.filter(provider_message_id=OuterRef("provider_message_id"))))

    def received_before(self, moment: datetime) -> "ReceiptQuerySet":
        """Older ones."""
        return self.filter(received_at__lt=moment)

    def settle(self, pk: int, state: str) -> bool:
        """Take one out of waiting; False where somebody else was faster."""
        return self.filter(pk=pk, state=ReceiptState.WAITING).update(state=state) == 1

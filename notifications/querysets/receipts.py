"""Queries of providers' reports."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.db import models
from django.db.models import Exists, Max, OuterRef

from notifications.states import ReceiptState


class ReceiptQuerySet(models.QuerySet[Any]):
    """Reports of providers."""

    def waiting(self) -> "ReceiptQuerySet":
        """Those whose message was not found yet, oldest first."""
        return self.filter(state=ReceiptState.WAITING).order_by("received_at", "pk")

    def about(self, messages: models.QuerySet[Any]) -> "ReceiptQuerySet":
        """Those about one of `messages`."""
        return self.filter(Exists(messages.filter(provider_message_id=OuterRef("provider_message_id"))))

    def known(self, source_ids: Collection[str]) -> set[str]:
        """Which of these ids were taken in."""
        return set(self.filter(source_id__in=source_ids).values_list("source_id", flat=True))

    def newest_from(self, source: str) -> datetime | None:
        """When the newest report of a source (the beginning of its ids) happened."""
        newest: datetime | None = self.filter(source_id__startswith=source).aggregate(Max("occurred_at"))[
            "occurred_at__max"
        ]
        return newest

    def received_before(self, moment: datetime) -> "ReceiptQuerySet":
        """Older ones."""
        return self.filter(received_at__lt=moment)

    def settle(self, pk: int, state: str) -> bool:
        """Take one out of waiting, and forget what it said; False where somebody else was faster."""
        return self.filter(pk=pk, state=ReceiptState.WAITING).update(state=state, data={}) == 1

    def naming_none_of_ours(self) -> "ReceiptQuerySet":
        """Those that tell no id of our own."""
        return self.filter(data__message_id="")

    def give_up(self) -> int:
        """Take all of these out of waiting; returns how many."""
        return self.order_by().update(state=ReceiptState.IGNORED, data={})

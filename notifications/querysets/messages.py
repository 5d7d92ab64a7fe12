"""Queries of messages, by name."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from django.db.models import F

from notifications.querysets.lists import ListedMessages
from notifications.states import Status, sources

LEASE = timedelta(minutes=1)


class MessageQuerySet(ListedMessages):
    """Messages."""

    def due(self, now: datetime) -> "MessageQuerySet":
        """Queued, and their time has come."""
        return self.filter(status=Status.QUEUED, due_at__lte=now)

    def made_with(self, sender: Any, idempotency_key: str) -> "MessageQuerySet":
        """What this sender's key has made."""
        return self.filter(sender=sender, idempotency_key=idempotency_key)

    def forget_recipient(self, user: Any) -> None:
        """Call back what waits for `user`, and empty what was sent to them of what tells whom and what."""
        sent_to = self.filter(user=user)
        sent_to.filter(status__in=sources(Status.CANCELLED)).update(status=Status.CANCELLED)
        sent_to.update(to=[], cc=[], bcc=[], subject="", payload="", last_error="")

    def claim(self, pk: UUID, now: datetime) -> bool:
        """Take one due message for sending; False where another worker was faster."""
        lease = {"claim": uuid4(), "leased_until": now + LEASE}
        return self.due(now).filter(pk=pk).update(status=Status.SENDING, attempts=F("attempts") + 1, **lease) == 1

    def move(self, pk: UUID, target: Status, **fields: Any) -> bool:
        """Move one message to `target` if states.MOVES allows it from where it stands; False where it does not."""
        return self.filter(pk=pk, status__in=sources(target)).update(status=target, **fields) == 1

"""Messages as CSV, with status and cause of failure, without content."""

from collections.abc import Iterator, Sequence
from typing import Any

from accounts.models import User
from accounts.states import EventKind
from foodfleet.core.database.keyset import newest_first
from foodfleet.core.http.clients import Client
from foodfleet.modules.events import event_recorded
from notifications.models import Message
from notifications.models.messages import MessageQuerySet
from notifications.services.operations import failures

CSV_COLUMNS = (
    "created_at", "channel", "to", "subject", "template", "status", "cause", "last_error", "attempts", "sent_at", "id",
)  # fmt: skip


def export(*, found: MessageQuerySet, filters: Sequence[str], actor: User, client: Client) -> Iterator[Sequence[Any]]:
    """Return the cells of CSV_COLUMNS for these messages, the newest first. Records the export with its filters."""
    details = {"filters": sorted(filters)}
    kind = EventKind.MESSAGES_EXPORTED
    event_recorded.send(sender=Message, kind=kind, actor=actor, client=client, user=None, details=details)
    return _rows(found)


def _rows(found: MessageQuerySet) -> Iterator[Sequence[Any]]:
    for one in newest_first(found, "created_at"):
        failure = failures.explain(one)
        yield (
            one.created_at,
            one.channel,
            " ".join(one.to),
            one.subject,
            one.template,
            one.status,
            failure.code if failure else None,
            one.last_error,
            one.attempts,
            one.sent_at,
            one.id,
        )

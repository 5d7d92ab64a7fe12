"""What a drain notes each time round, as one statement of PostgreSQL: one round trip and one commit for all of it."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from django.db import connections

from notifications.states import EventType, Status

# LIKE, since = would offer the planner the index of what is being sent, whose entries mostly are of messages long gone.
STATEMENT = """
WITH done AS (
    UPDATE {messages} AS message
    SET status = '{sent}', sent_at = %(now)s, provider_message_id = told.provider_id, payload = '', last_error = '',
        claim = NULL, leased_until = NULL, handed_over_at = NULL
    FROM unnest(%(sent)s::uuid[], %(ids)s::text[]) AS told (pk, provider_id)
    WHERE message.id = told.pk AND message.claim = %(claim)s AND message.status LIKE '{sending}'
    RETURNING message.id, message.attempts
), timeline AS (
    INSERT INTO {events} (message_id, type, at, details, source_id)
    SELECT id, '{event}', %(now)s, jsonb_build_object('attempt', attempts), '' FROM done
), next AS (
    UPDATE {messages} SET handed_over_at = %(now)s
    WHERE id = ANY (%(next)s::uuid[]) AND claim = %(claim)s AND status LIKE '{sending}'
    RETURNING id
)
SELECT id, true FROM done UNION ALL SELECT id, false FROM next
"""


@cache
def _statement(messages: str, events: str) -> str:
    sent, sending = Status.SENT.value, Status.SENDING.value
    return STATEMENT.format(messages=messages, events=events, sent=sent, sending=sending, event=EventType.SENT.value)


def settle(
    model: Any, database: str, *, sent: Mapping[UUID, str], handing_over: Sequence[UUID], claim: UUID, now: datetime
) -> tuple[set[UUID], set[UUID]]:
    """As MessageQuerySet.settle."""
    parameters: dict[str, Any] = {
        "now": now,
        "claim": claim,
        "sent": _array(sent),
        "ids": list(sent.values()),
        "next": _array(handing_over),
    }
    events = model.events.rel.related_model
    with connections[database].cursor() as cursor:
        cursor.execute(_statement(model._meta.db_table, events._meta.db_table), parameters)
        rows = cursor.fetchall()
    return {pk for pk, is_done in rows if is_done}, {pk for pk, is_done in rows if not is_done}


def _array(pks: Iterable[UUID]) -> str:
    """As PostgreSQL writes an array; psycopg takes longer to write one than PostgreSQL to read it."""
    return f"{{{','.join(map(str, pks))}}}"

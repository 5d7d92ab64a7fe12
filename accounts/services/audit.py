"""Writing down what happened to accounts."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from accounts.models import SecurityEvent, User
from accounts.models.security import SecurityEventQuerySet
from accounts.states import EventKind
from foodfleet.core.http.clients import Client


def record(
    *,
    kind: EventKind,
    user: User | None,
    client: Client,
    actor: User | None = None,
    details: dict[str, Any] | None = None,
    session_id: UUID | None = None,
) -> SecurityEvent:
    """Add one event, in the transaction of what it tells.

    user: whom it concerns, None where nobody has the address; actor: who did it, if not the user; session_id: of the
    session that it belongs to, where there is one.
    """
    return SecurityEvent.objects.create(
        kind=kind,
        user=user,
        actor=actor,
        ip=client.ip or None,
        user_agent=client.user_agent,
        request_id=client.request_id,
        session_id=session_id,
        details=details or {},
    )


def record_many(*, kind: EventKind, users: Sequence[User], client: Client, details: dict[str, Any]) -> None:
    """Add the same event for each of many users, at no query a user."""
    SecurityEvent.objects.bulk_create(
        SecurityEvent(
            kind=kind,
            user=user,
            ip=client.ip or None,
            user_agent=client.user_agent,
            request_id=client.request_id,
            details=details,
        )
        for user in users
    )


def of_user(user: User) -> SecurityEventQuerySet:
    """What happened to one user."""
    return SecurityEvent.objects.of(user)

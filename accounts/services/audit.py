"""Security events."""

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
    """Record an event; call it in the transaction of the change.

    user: whom it concerns, None if no account has the address; actor: who did it, if not the user; session_id: the
    session it belongs to, if there is one.
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


def record_many(
    *, kind: EventKind, users: Sequence[User], client: Client, details: dict[str, Any], actor: User | None = None
) -> None:
    """Record the same event for many users, in one query."""
    SecurityEvent.objects.bulk_create(
        SecurityEvent(
            kind=kind,
            user=user,
            actor=actor,
            ip=client.ip or None,
            user_agent=client.user_agent,
            request_id=client.request_id,
            details=details,
        )
        for user in users
    )


def of_user(user: User) -> SecurityEventQuerySet:
    """The events of one user."""
    return SecurityEvent.objects.of(user)

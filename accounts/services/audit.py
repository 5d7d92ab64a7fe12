"""Recording and export of security events. Each is a row in the database and a line in the log."""

import json
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any
from uuid import UUID

import structlog
from django.db import transaction
from django.utils import timezone

from accounts import signals
from accounts.models import SecurityEvent, User
from accounts.models.security import SecurityEventQuerySet
from accounts.states import EventKind
from foodfleet.core.database.keyset import newest_first
from foodfleet.core.http.clients import Client
from foodfleet.core.metrics.counters import Counter

logger = structlog.get_logger(__name__)

# Event names in the log; every other kind is logged under its own value.
LOG_NAMES: dict[EventKind | str, str] = {
    EventKind.REGISTERED: "user_registered",
    EventKind.SIGNED_IN: "user_login",
    EventKind.SIGNED_OUT: "user_logout",
    EventKind.LOCKED: "user_locked",
    EventKind.UNLOCKED: "user_unlocked",
    EventKind.COMPROMISE_REPORTED: "compromise_reported",
}
WITH_EMAIL = {EventKind.REGISTERED, EventKind.SIGNED_IN, EventKind.USER_CREATED}
# `lockout.log_failure` logs these, with the address as typed and the number of attempts.
LOGGED_BY_LOCKOUT = {EventKind.SIGN_IN_FAILED}
WARNINGS = {
    EventKind.TOKEN_REUSED,
    EventKind.COMPROMISE_REPORTED,
    EventKind.SIGN_IN_LOCKED,
    EventKind.TWO_FACTOR_FAILED,
    EventKind.TWO_FACTOR_BLOCKED,
    EventKind.PASSKEY_COPIED,
    EventKind.API_KEY_REFUSED,
}

EVENTS = Counter("foodfleet_security_events_total", "Security events, such as locks, by kind.", "kind")
SIGN_INS = Counter("foodfleet_sign_ins_total", "Sign-ins by outcome: success, or the code of the error.", "outcome")
SIGN_IN_OUTCOMES: dict[EventKind | str, str] = {
    EventKind.SIGNED_IN: "success",
    EventKind.SIGN_IN_FAILED: "invalid_credentials",
    EventKind.TWO_FACTOR_FAILED: "invalid_2fa_code",
}


def record(
    *,
    kind: EventKind | str,
    user: User | None,
    client: Client,
    actor: User | None = None,
    details: dict[str, Any] | None = None,
    session_id: UUID | None = None,
) -> SecurityEvent:
    """Record an event. Call it in the transaction of the change; the line in the log is written after the commit.

    user: the account that the event concerns, None if no account has the address. actor: who did it, if not the user.
    session_id: of the session that the event belongs to, if there is one.
    """
    event = SecurityEvent.objects.create(
        kind=kind,
        user=user,
        actor=actor,
        session_id=session_id,
        details=details or {},
        **_origin(client),
    )
    _announce(kind, [user] if user else [], client, event.details)
    transaction.on_commit(partial(_log, event, user), robust=True)
    return event


def record_many(
    *, kind: EventKind, users: Sequence[User], client: Client, details: dict[str, Any], actor: User | None = None
) -> None:
    """Record the same event for many users, in one query and one line of the log."""
    SecurityEvent.objects.bulk_create(
        SecurityEvent(kind=kind, user=user, actor=actor, details=details, **_origin(client)) for user in users
    )
    _announce(kind, users, client, details)
    if users:
        line = partial(
            logger.info, log_name(kind), users=len(users), actor_id=actor.pk if actor else None, details=details
        )
        transaction.on_commit(line, robust=True)


def _origin(client: Client) -> dict[str, Any]:
    return {"ip": client.ip or None, "user_agent": client.user_agent, "request_id": client.request_id}


def _announce(kind: EventKind | str, users: Sequence[User], client: Client, details: dict[str, Any]) -> None:
    signals.event_recorded.send(sender=User, kind=kind, users=users, client=client, details=details)


def log_name(kind: EventKind | str) -> str:
    """Return the name of the event's line in the log."""
    return LOG_NAMES.get(kind, str(kind))


def _log(event: SecurityEvent, user: User | None) -> None:
    kind = event.kind
    EVENTS.add(event.kind)
    if kind in SIGN_IN_OUTCOMES:
        SIGN_INS.add(event.details.get("reason") or SIGN_IN_OUTCOMES[kind])
    if kind in LOGGED_BY_LOCKOUT:
        return
    fields = {
        "user_id": event.user_id,
        "email": user.email if user and kind in WITH_EMAIL else None,
        "actor_id": event.actor_id,
        "ip": event.ip,
        "session_id": str(event.session_id) if event.session_id else None,
        "request_id": event.request_id,
        "details": event.details,
    }
    write = logger.warning if kind in WARNINGS else logger.info
    write(log_name(kind), **{name: value for name, value in fields.items() if value})


def of_user(user: User) -> SecurityEventQuerySet:
    """Return the events of one user."""
    return SecurityEvent.objects.of(user)


CSV_COLUMNS = (
    "created_at", "kind", "user_id", "user", "actor_id", "actor", "ip", "user_agent", "session_id", "request_id",
    "details",
)  # fmt: skip


def export(
    *, found: SecurityEventQuerySet, filters: Sequence[str], actor: User, client: Client
) -> Iterator[Sequence[Any]]:
    """Return the cells of CSV_COLUMNS for the events up to now, and record the export with its filters."""
    now = timezone.now()
    record(kind=EventKind.EVENTS_EXPORTED, user=None, actor=actor, client=client, details={"filters": sorted(filters)})
    return csv_rows(found.filter(created_at__lte=now))


def csv_rows(events: SecurityEventQuerySet) -> Iterator[Sequence[Any]]:
    """Yield the cells of CSV_COLUMNS for each event, newest first."""
    for event in newest_first(events.with_people(), "created_at"):
        yield (
            event.created_at,
            event.kind,
            event.user_id,
            event.user.email if event.user else None,
            event.actor_id,
            event.actor.email if event.actor else None,
            event.ip,
            event.user_agent,
            event.session_id,
            event.request_id,
            json.dumps(event.details, ensure_ascii=False) if event.details else None,
        )

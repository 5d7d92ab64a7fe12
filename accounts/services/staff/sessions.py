"""Sessions of users, managed by staff."""

from uuid import UUID

from django.db import transaction
from django.utils import timezone

from accounts.exceptions import SessionNotFoundException
from accounts.models import Session, User
from accounts.models.sessions import SessionQuerySet
from accounts.services import audit
from accounts.services.sessions import sessions
from accounts.services.staff import protections
from accounts.states import EndReason, EventKind
from foodfleet.core.http.clients import Client

PERMISSION = "sessions:end"


def of(pk: int) -> SessionQuerySet:
    """Return the live sessions of this user. Raises UserNotFoundException."""
    return Session.objects.of(protections.find(pk)).live(timezone.now())


def end(*, pk: int, session_id: UUID, actor: User | None, client: Client) -> User:
    """End one of the user's sessions, if it has not ended.

    Raises SessionNotFoundException and the exceptions of `protections.lock_parties`.
    """
    with transaction.atomic():
        _actor, user = protections.lock_parties(actor, pk, PERMISSION)
        if not Session.objects.of(user).filter(pk=session_id).exists():
            raise SessionNotFoundException
        if sessions.end(session_id, reason=EndReason.ENDED_BY_STAFF):
            audit.record(kind=EventKind.SESSION_ENDED, user=user, client=client, actor=actor, session_id=session_id)
    return user


def end_all(*, pk: int, actor: User | None, client: Client) -> User:
    """End every session of the user. Raises the exceptions of `protections.lock_parties`."""
    with transaction.atomic():
        _actor, user = protections.lock_parties(actor, pk, PERMISSION)
        sessions.end_all(user, reason=EndReason.ENDED_BY_STAFF)
        audit.record(kind=EventKind.SESSIONS_ENDED, user=user, client=client, actor=actor)
    return user

"""Sessions of browsers that are signed in by cookie."""

from datetime import timedelta
from uuid import UUID

from django.utils import timezone

from accounts.models import Session, User
from accounts.services.sessions import sessions
from foodfleet.core.http.clients import Client

TOUCH_AFTER = timedelta(minutes=5)  # the precision of `last_used_at`, which saves writes


def start(*, user: User, client: Client) -> Session:
    """Start a session for a browser that code outside `services.login` signed in."""
    return sessions.start(user=user, client=client).session


def current(session_id: UUID, user_id: int) -> Session | None:
    """Return the browser's session; None if it is no longer live or the account not open.

    Called for every page, so that ending a session in the list of sessions signs its browser out immediately.
    """
    now = timezone.now()
    session = Session.objects.usable(session_id, now).first()
    if session is None or session.user_id != user_id:
        return None
    return session


def mark_used(session: Session) -> None:
    """Record that the session is used now. Not called for automatic requests of a page."""
    now = timezone.now()
    if session.last_used_at <= now - TOUCH_AFTER:
        Session.objects.filter(pk=session.pk).update(last_used_at=now)


def has_passed_mfa(session_id: UUID) -> bool:
    """Return whether MFA was passed in this session, or skipped because the browser is trusted."""
    return Session.objects.filter(pk=session_id, mfa_passed_at__isnull=False).exists()

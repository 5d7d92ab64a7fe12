"""Sessions of browsers: signed in by cookie, without tokens."""

from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.utils import timezone

from accounts.models import Session, User
from accounts.services.sessions import sessions
from foodfleet.core.http.clients import Client

TOUCH_AFTER = timedelta(minutes=5)  # `last_used_at` is this exact


def start(*, user: User, client: Client) -> Session:
    """Begin a session for a browser that code outside `services.login` signed in."""
    return sessions.start(user=user, client=client).session


def current(session_id: UUID, user_id: int) -> Session | None:
    """The browser's session, marked as used; None where it has ended or was unused for a refresh token's lifetime.

    Called for every page, so that ending a session in the list signs its browser out immediately.
    """
    now = timezone.now()
    session = Session.objects.usable(session_id, now).first()
    if session is None or session.user_id != user_id or session.user.locked_at is not None:
        return None
    if session.last_used_at <= now - settings.SIMPLE_JWT["REFRESH_TOKEN_LIFETIME"]:
        return None
    if session.last_used_at <= now - TOUCH_AFTER:
        Session.objects.filter(pk=session.pk).update(last_used_at=now)
    return session


def has_passed_mfa(session_id: UUID) -> bool:
    """Whether MFA was passed in this session, or the browser is trusted."""
    return Session.objects.filter(pk=session_id, mfa_passed_at__isnull=False).exists()

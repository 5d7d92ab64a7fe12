"""A browser's sign-in: a Session like any other, without tokens in anybody's hands."""

from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.utils import timezone

from accounts.models import Session, User
from accounts.services.sessions import sessions
from foodfleet.core.http.clients import Client

NOTED_EVERY = timedelta(minutes=5)  # the list of sessions says when each was last used: no more exactly than this


def start(*, user: User, client: Client) -> Session:
    """Begin a session for a browser that something other than `sign_in` signed in."""
    return sessions.start(user=user, client=client).session


def current(session_id: UUID, user_id: int) -> Session | None:
    """The browser's session, noted as used; None where it was ended, ran out or lay unused as long as a refresh token.

    Asked at every request of a page, so that a session that is ended in the list signs its browser out at once.
    """
    now = timezone.now()
    session: Session | None = Session.objects.usable(session_id, now).first()
    if session is None or session.user_id != user_id or session.user.locked_at is not None:
        return None
    if session.last_used_at <= now - settings.SIMPLE_JWT["REFRESH_TOKEN_LIFETIME"]:
        return None
    if session.last_used_at <= now - NOTED_EVERY:
        Session.objects.filter(pk=session.pk).update(last_used_at=now)
    return session


def has_passed_mfa(session_id: UUID) -> bool:
    """Whether the second factor was shown in this session, or the browser may skip it."""
    return Session.objects.filter(pk=session_id, mfa_passed_at__isnull=False).exists()

"""Sign-ins and their chains of refresh tokens."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts.exceptions import InvalidTokenException
from accounts.models import RefreshToken, Session, User
from accounts.services import devices, tokens
from accounts.states import EndReason
from foodfleet.core import crypto
from foodfleet.core.clients import Client


@dataclass(frozen=True)
class TokenPair:
    """What a client gets to work with. expires_in: seconds that the access token lasts."""

    access: str = field(repr=False)
    refresh: str = field(repr=False)
    expires_in: int
    session: Session


def start(*, user: User, client: Client) -> TokenPair:
    """Begin a session with its first pair of tokens."""
    now = timezone.now()
    session = Session.objects.create(
        user=user,
        device_name=client.device_name,
        user_agent=client.user_agent,
        ip=client.ip or None,
        fingerprint=devices.fingerprint(client),
        created_at=now,
        last_used_at=now,
        expires_at=now + timedelta(days=settings.SESSION_MAX_DAYS),
    )
    pair, _ = _new_pair(session, user, now)
    return pair


def refresh(*, token: str) -> TokenPair:
    """Exchange a refresh token for the next pair. It serves once: coming again, it ends its whole session.

    Two that come at the same moment never both succeed: the row is spent by one conditional UPDATE. Raises
    InvalidTokenException.
    """
    tokens.read(token, tokens.RefreshToken)
    now = timezone.now()
    known = RefreshToken.objects.with_digest(crypto.digest(token)).first()
    if known is None:
        raise InvalidTokenException
    with transaction.atomic():
        pair = _rotate(known, now)
    if pair is None:
        # Committed on its own, before the refusal is raised: RFC 9700 section 4.14.2.
        end(known.session_id, reason=EndReason.TOKEN_REUSED)
        raise InvalidTokenException
    return pair


def _rotate(known: RefreshToken, now: datetime) -> TokenPair | None:
    """The next pair; None where the token was spent before. Raises InvalidTokenException for an ended session."""
    if not RefreshToken.objects.spend(known.pk, now):
        return None
    session = Session.objects.usable(known.session_id, now).first()
    if session is None or known.expires_at <= now:
        raise InvalidTokenException
    pair, successor = _new_pair(session, session.user, now)
    RefreshToken.objects.filter(pk=known.pk).update(successor=successor)
    Session.objects.filter(pk=session.pk).update(last_used_at=now)
    return pair


def _new_pair(session: Session, user: User, now: datetime) -> tuple[TokenPair, RefreshToken]:
    until = min(now + tokens.RefreshToken.lifetime, session.expires_at)
    refresh = tokens.refresh_token(session, until=until)
    row = RefreshToken.objects.create(session=session, digest=crypto.digest(refresh), created_at=now, expires_at=until)
    lifetime = int(tokens.AccessToken.lifetime.total_seconds())
    return TokenPair(tokens.access_token(session, user), refresh, lifetime, session), row


def sign_out(*, token: str) -> None:
    """End the session of a refresh token; one that ended already, or expired, is as good.

    Raises InvalidTokenException for a token that was never ours.
    """
    known = RefreshToken.objects.with_digest(crypto.digest(token)).first()
    if known is None:
        tokens.read(token, tokens.RefreshToken)  # tells a purged one of ours from a forged one
        return
    end(known.session_id, reason=EndReason.SIGNED_OUT)


def end(session_id: UUID, *, reason: EndReason) -> None:
    """End one session and with it all its tokens."""
    Session.objects.filter(pk=session_id).end(timezone.now(), reason)


def end_all(user: User, *, reason: EndReason, keep: UUID | None = None) -> None:
    """End every session of `user`, but for `keep`."""
    Session.objects.of(user).exclude(pk=keep).end(timezone.now(), reason)


def usable_session(session_id: str, user_id: str) -> Session:
    """The session of an access token with its user, if both may be used now. Raises InvalidTokenException."""
    try:
        session: Session | None = Session.objects.usable(UUID(session_id), timezone.now()).first()
    except ValueError:
        raise InvalidTokenException from None
    if session is None or str(session.user_id) != user_id:
        raise InvalidTokenException
    return session

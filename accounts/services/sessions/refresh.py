"""Refresh tokens: each serves once and buys the next; the second use of one ends its session (RFC 9700, 4.14.2)."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts.exceptions import InvalidSessionTokenException
from accounts.models import RefreshToken
from accounts.services import audit
from accounts.services.jwt import keyring, tokens
from accounts.services.sessions import sessions
from accounts.services.sessions.sessions import TokenPair
from accounts.states import EndReason, EventKind
from foodfleet.core import crypto
from foodfleet.core.http.clients import Client


def refresh(*, token: str, client: Client) -> TokenPair:
    """Exchange a refresh token for the next pair.

    It serves once: one conditional UPDATE spends it, so that of many at the same moment one succeeds. Coming again, it
    ends its whole session and is written down. For REFRESH_GRACE_SECONDS, though, a client that lost the answer gets
    the very same pair again, unless that was used meanwhile. Raises InvalidSessionTokenException.
    """
    tokens.read(token, tokens.RefreshToken)
    now = timezone.now()
    known = _usable(token, now)
    pair = _rotate(known, token, now) if known.consumed_at is None else None
    if pair is None:
        known = _usable(token, now)
        pair = _same_again(known, token, now)
    if pair is None:
        _end_family(known, client)
        raise InvalidSessionTokenException
    return pair


def _usable(token: str, now: datetime) -> RefreshToken:
    """The token's row as it is now, if its session and user may go on, spent or not."""
    usable = RefreshToken.objects.with_digest(crypto.digest(token)).of_usable_session(now)
    by_valid_key = usable.exclude(keyring.is_revoked(tokens.kid_of(token)))
    found = by_valid_key.annotate(must_reload_keys=keyring.is_revoked(keyring.signing_key().kid)).first()
    if found is None or found.expires_at <= now:
        raise InvalidSessionTokenException
    if found.must_reload_keys:  # type: ignore[attr-defined]
        keyring.forget()
    return found


def _rotate(known: RefreshToken, token: str, now: datetime) -> TokenPair | None:
    """Spend the token and make its successor, in one transaction; None where somebody else was faster."""
    pair, successor = sessions.new_pair(known.session, now)
    box = ""
    if settings.REFRESH_GRACE_SECONDS:
        # Opened by the token alone, of which we keep but a digest: the database gives the successor to nobody.
        box = crypto.seal_json([pair.access, pair.refresh], secret=token)
    with transaction.atomic():
        if not RefreshToken.objects.consume(known.pk, now, successor_ciphertext=box):
            return None
        successor.predecessor = known
        successor.save(force_insert=True)
        sessions.touch(known.session, now)
    return pair


def _same_again(known: RefreshToken, token: str, now: datetime) -> TokenPair | None:
    """The pair that this token bought a moment ago, if it may still be repeated."""
    grace = timedelta(seconds=settings.REFRESH_GRACE_SECONDS)
    if known.consumed_at is None or not known.successor_ciphertext or now - known.consumed_at > grace:
        return None
    if RefreshToken.objects.after(known.pk).filter(consumed_at__isnull=False).exists():
        return None
    access, successor = crypto.unseal_json(known.successor_ciphertext, secret=token)
    lasts = tokens.AccessToken.lifetime - max(now - known.consumed_at, timedelta())
    return TokenPair(access, successor, int(lasts.total_seconds()), known.session)


def _end_family(known: RefreshToken, client: Client) -> None:
    """Committed before the refusal is raised, which must not take it back."""
    with transaction.atomic():
        if sessions.end(known.session_id, reason=EndReason.TOKEN_REUSED):
            user = known.session.user
            audit.record(kind=EventKind.TOKEN_REUSED, user=user, client=client, session_id=known.session_id)

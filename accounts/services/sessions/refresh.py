"""Refresh token rotation: each token is accepted once, and a second use ends its session (RFC 9700, 4.14.2)."""

from datetime import datetime, timedelta
from functools import partial

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
from foodfleet.core.database.compiled import Compiled, insert
from foodfleet.core.http import after_response
from foodfleet.core.http.clients import Client

_KNOWN = Compiled(
    lambda digest, kid, signing: RefreshToken.objects.with_digest(digest).annotate(
        is_revoked=keyring.is_revoked(kid), must_reload_keys=keyring.is_revoked(signing)
    ),
    digest=str,
    kid=str,
    signing=str,
)


def refresh(*, token: str, client: Client) -> TokenPair:
    """Exchange a refresh token for the next pair of tokens.

    One conditional UPDATE consumes it, so one of several concurrent requests succeeds. A second use ends the session
    and is recorded. Within REFRESH_GRACE_SECONDS a client that lost the response gets the same pair again, unless the
    new refresh token was used. Raises InvalidSessionTokenException.

    It takes one SELECT, one UPDATE and one INSERT. `Session.last_used_at` is written after the response, at most once
    in `sessions.TOUCH_AFTER`.
    """
    kid = tokens.read(token, tokens.RefreshToken).kid
    now = timezone.now()
    known = _usable(token, kid, now)
    pair = _rotate(known, token, now) if known.consumed_at is None else None
    if pair is None:
        known = _usable(token, kid, now)
        pair = _repeated_pair(known, token, now)
    if pair is None:
        _end_session(known, client)
        raise InvalidSessionTokenException
    return pair


def find_unused(token: str) -> RefreshToken:
    """Return the row of a token that `refresh` would accept, with session and user, without consuming it.

    Raises InvalidSessionTokenException.
    """
    found = _usable(token, tokens.read(token, tokens.RefreshToken).kid, timezone.now())
    if found.consumed_at is not None:
        raise InvalidSessionTokenException
    return found


def _usable(token: str, kid: str, now: datetime) -> RefreshToken:
    """Return the row of the token, consumed or not, if its session is live and the account open.

    Raises InvalidSessionTokenException.
    """
    found = next(iter(_KNOWN.rows(digest=crypto.digest(token), kid=kid, signing=keyring.signing_key().kid)), None)
    if found is None or found.expires_at <= now or not found.session.is_open(now):
        raise InvalidSessionTokenException
    if found.is_revoked:
        raise InvalidSessionTokenException
    if found.must_reload_keys:
        keyring.forget()
    token_row: RefreshToken = found
    return token_row


def _rotate(known: RefreshToken, token: str, now: datetime) -> TokenPair | None:
    """Consume the token and create its successor in one transaction; return None if another request was faster."""
    pair, successor = sessions.new_pair(known.session, now)
    ciphertext = ""
    if settings.REFRESH_GRACE_SECONDS:
        # The token is the encryption key, and only its digest is stored: the database alone does not reveal the pair.
        ciphertext = crypto.encrypt_with_secret([pair.access, pair.refresh], secret=token)
    with transaction.atomic():
        if not RefreshToken.objects.consume(known.pk, now, successor_ciphertext=ciphertext):
            return None
        successor.predecessor = known
        insert(successor)
    after_response.run(partial(sessions.touch, known.session, now))
    return pair


def _repeated_pair(known: RefreshToken, token: str, now: datetime) -> TokenPair | None:
    """Return the pair that this token was exchanged for, if it may be sent again; None otherwise."""
    grace = timedelta(seconds=settings.REFRESH_GRACE_SECONDS)
    if known.consumed_at is None or not known.successor_ciphertext or now - known.consumed_at > grace:
        return None
    if RefreshToken.objects.after(known.pk).filter(consumed_at__isnull=False).exists():
        return None
    access, successor = crypto.decrypt_with_secret(known.successor_ciphertext, secret=token)
    remaining = tokens.AccessToken.lifetime - max(now - known.consumed_at, timedelta())
    return TokenPair(access, successor, int(remaining.total_seconds()), known.session)


def _end_session(known: RefreshToken, client: Client) -> None:
    """End the session of a reused token. Call it before raising, outside of a transaction that the exception undoes."""
    with transaction.atomic():
        if sessions.end(known.session_id, reason=EndReason.TOKEN_REUSED):
            user = known.session.user
            audit.record(kind=EventKind.TOKEN_REUSED, user=user, client=client, session_id=known.session_id)

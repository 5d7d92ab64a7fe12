"""Start, use, list and end sessions."""

from collections.abc import Iterable
from copy import copy
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts import signals
from accounts.exceptions import InvalidSessionTokenException, SessionNotFoundException
from accounts.models import RefreshToken, Session, User
from accounts.models.sessions import SessionQuerySet
from accounts.models.users import SIGNING_KEYS, cache_key
from accounts.services import audit
from accounts.services.jwt import keyring, tokens
from accounts.states import AuthenticationMethod, EndReason, EventKind
from foodfleet.core import crypto
from foodfleet.core.cache import coherent
from foodfleet.core.http.clients import Client, address_and_network, describe_user_agent

BATCH = 500  # sessions that one transaction ends when a key is revoked
# `last_used_at` is written if it is this old, when the cached session has expired (coherent.LIFETIME). Its precision is
# five minutes, without a write for each request.
TOUCH_AFTER = timedelta(minutes=5) - timedelta(seconds=coherent.LIFETIME)
NOT_CACHED = ("reauthenticated_at", "mfa_passed_at", "user__password")
CACHED_SESSIONS = 20_000

_sessions: coherent.Cache[Session] = coherent.Cache(size=CACHED_SESSIONS, name="sessions")


@dataclass(frozen=True)
class TokenPair:
    """An access and a refresh token. expires_in: lifetime of the access token in seconds."""

    access: str = field(repr=False)
    refresh: str = field(repr=False)
    expires_in: int
    session: Session


def _create(
    *,
    user: User,
    client: Client,
    reauthenticated_at: datetime | None = None,
    amr: Iterable[AuthenticationMethod] = (),
) -> Session:
    """Create a session without tokens.

    reauthenticated_at: the time of a complete authentication, if there was one (see `mfa.reauthentication`). amr: how
    the user authenticated.
    """
    now = timezone.now()
    return Session.objects.create(
        user=user,
        device_name=client.device_name,
        user_agent=client.user_agent,
        ip=client.ip or None,
        fingerprint=fingerprint(client),
        created_at=now,
        last_used_at=now,
        expires_at=now + timedelta(days=settings.SESSION_MAX_DAYS),
        reauthenticated_at=reauthenticated_at,
        amr=" ".join(amr),
    )


def start(
    *,
    user: User,
    client: Client,
    reauthenticated_at: datetime | None = None,
    amr: Iterable[AuthenticationMethod] = (),
) -> TokenPair:
    """Start a session with its first pair of tokens. reauthenticated_at, amr: see `_create`."""
    keyring.reload_if_revoked()
    session = _create(user=user, client=client, reauthenticated_at=reauthenticated_at, amr=amr)
    pair, row = new_pair(session, session.created_at)
    row.save(force_insert=True)
    return pair


def new_pair(session: Session, now: datetime) -> tuple[TokenPair, RefreshToken]:
    """Return the next pair of tokens of a session, and the unsaved row of the refresh token."""
    until = min(now + tokens.RefreshToken.lifetime, session.expires_at)
    refresh = tokens.refresh_token(session, until=until)
    row = RefreshToken(
        session=session, digest=crypto.digest(refresh), kid=tokens.kid_of(refresh), created_at=now, expires_at=until
    )
    lifetime = int(tokens.AccessToken.lifetime.total_seconds())
    return TokenPair(str(tokens.AccessToken.for_session(session)), refresh, lifetime, session), row


def usable_session(session_id: str, user_id: str, kid: str) -> Session:
    """Return the session of an access token with its user, if the session is live and the account open.

    kid: the key that signed the token; it must not be revoked. Raises InvalidSessionTokenException.

    It is cached in the process; every change that ends a session or changes its user invalidates it
    (`core.cache.coherent`). NOT_CACHED columns are read on access: they change without an invalidation, or are secret.
    """
    cached = _sessions.get((session_id, user_id, kid), _keys(user_id), lambda: _read_usable(session_id, user_id, kid))
    session, user = copy(cached), copy(cached.user)
    session.user, user.acting_session, session.copy_of = user, session.pk, cached
    if session.expires_at <= timezone.now():
        raise InvalidSessionTokenException
    return session


def _keys(user_id: str) -> tuple[str, ...]:
    return cache_key(user_id), SIGNING_KEYS


def is_current(session: Session, kid: str) -> bool:
    """Return whether the cache of `usable_session` still contains `session`, a `Session.copy_of`. Makes no query."""
    user_id = str(session.user_id)
    known = _sessions.known((str(session.pk), user_id, kid), _keys(user_id))
    return known is session and session.expires_at > timezone.now()


def _read_usable(session_id: str, user_id: str, kid: str) -> Session:
    now = timezone.now()
    try:
        usable = Session.objects.usable(UUID(session_id), now).exclude(keyring.is_revoked(kid))
        session = usable.defer(*NOT_CACHED).first()
    except ValueError:
        raise InvalidSessionTokenException from None
    if session is None or str(session.user_id) != user_id:
        raise InvalidSessionTokenException
    touch(session, now)
    return session


def touch(session: Session, now: datetime) -> None:
    """Update `last_used_at` if it is older than TOUCH_AFTER."""
    if session.last_used_at <= now - TOUCH_AFTER:
        Session.objects.filter(pk=session.pk).update(last_used_at=now)
        session.last_used_at = now


def of_user(user: User) -> SessionQuerySet:
    """Return the user's live sessions."""
    return Session.objects.of(user).live(timezone.now())


def sign_out(*, token: str, client: Client) -> None:
    """End the session of a refresh token, if it has neither ended nor expired.

    Raises InvalidSessionTokenException for a token that was not issued here.
    """
    known = RefreshToken.objects.with_digest(crypto.digest(token)).first()
    if known is None:
        tokens.read(token, tokens.RefreshToken)  # without a row: a purged token has a valid signature, a forged one not
        return
    with transaction.atomic():
        if end(known.session_id, reason=EndReason.SIGNED_OUT):
            _record_end(EventKind.SIGNED_OUT, known.session, client)


def end_own(*, user: User, session_id: UUID, client: Client) -> None:
    """End one of the user's own sessions, if it has not ended. Raises SessionNotFoundException."""
    with transaction.atomic():
        if not Session.objects.of(user).filter(pk=session_id).exists():
            raise SessionNotFoundException
        if end(session_id, reason=EndReason.ENDED_BY_OWNER):
            audit.record(kind=EventKind.SESSION_ENDED, user=user, client=client, session_id=session_id)


def sign_out_browser(*, session_id: UUID, client: Client) -> None:
    """End the session of a browser that signs out, if it has not ended."""
    with transaction.atomic():
        if end(session_id, reason=EndReason.SIGNED_OUT):
            session = Session.objects.select_related("user").get(pk=session_id)
            _record_end(EventKind.SIGNED_OUT, session, client)


def _record_end(kind: EventKind, session: Session, client: Client) -> None:
    audit.record(kind=kind, user=session.user, client=client, session_id=session.pk)


def end_all_own(*, user: User, client: Client, keep: UUID | None = None) -> None:
    """End every session of the user except `keep`."""
    with transaction.atomic():
        end_all(user, reason=EndReason.ENDED_BY_OWNER, keep=keep)
        audit.record(kind=EventKind.SESSIONS_ENDED, user=user, client=client)


def end(session_id: UUID, *, reason: EndReason) -> bool:
    """End one session, which invalidates all its tokens; return False if it had ended before."""
    user_id = Session.objects.filter(pk=session_id).values_list("user_id", flat=True).first()
    if user_id is None:
        return False
    with transaction.atomic():
        coherent.invalidate(cache_key(user_id))
        return bool(_end(Session.objects.filter(pk=session_id), reason))


def end_all(user: User, *, reason: EndReason, keep: UUID | None = None) -> None:
    """End every session of `user` except `keep`."""
    with transaction.atomic():
        coherent.invalidate(cache_key(user.pk))
        _end(Session.objects.of(user) if keep is None else Session.objects.of(user).exclude(pk=keep), reason)


def _end(sessions: SessionQuerySet, reason: EndReason) -> int:
    """End the sessions that have not ended, announce it, and return how many."""
    now = timezone.now()
    ended = sessions.end(now, reason)
    if ended:
        signals.sessions_ended.send(sender=User, sessions=sessions.filter(ended_at=now))
    return ended


def end_signed_by(kid: str) -> int:
    """End the sessions whose newest refresh token was signed by this key or an unrecorded one; return how many.

    It is recorded in the security events of their owners.
    """
    ended = 0
    while batch := list(Session.objects.live(timezone.now()).with_newest_token_by(kid).select_related("user")[:BATCH]):
        users = list({session.user_id: session.user for session in batch}.values())
        with transaction.atomic():
            coherent.invalidate(*(cache_key(user.pk) for user in users))
            ended += _end(Session.objects.filter(pk__in=[session.pk for session in batch]), EndReason.KEY_REVOKED)
            details = {"reason": EndReason.KEY_REVOKED.value, "kid": kid}
            audit.record_many(kind=EventKind.SESSIONS_ENDED, users=users, client=Client(), details=details)
    return ended


def fingerprint(client: Client) -> str:
    """Return a digest of device name, browser or app, and network, by which an unknown device is recognised."""
    parts = (client.device_name, describe_user_agent(client.user_agent), address_and_network(client)[1])
    return crypto.keyed_digest("\n".join(parts), purpose="device-fingerprint")[:32]


def known_clients(user: User) -> set[tuple[str | None, str]]:
    """Return the pairs of IP address and user agent of the user's sessions."""
    named = Session.objects.of(user).exclude(user_agent="")
    return set(named.values_list("ip", "user_agent").distinct())

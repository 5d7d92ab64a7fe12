"""From e-mail and password to a session."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import structlog
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts import signals
from accounts.exceptions import AccountLockedException, EmailNotVerifiedException, InvalidCredentialsException
from accounts.models import User
from accounts.services import audit
from accounts.services.limits import lockout
from accounts.services.login import challenge as login_challenge
from accounts.services.login.challenge import ChallengeIssued
from accounts.services.mfa import reauthentication
from accounts.services.one_time import tokens
from accounts.services.passwords import passwords
from accounts.services.sessions import sessions
from accounts.states import EventKind
from foodfleet.core.exceptions import ForbiddenException, UnauthorizedException
from foodfleet.core.http.clients import Client

logger = structlog.get_logger(__name__)


@dataclass(frozen=True)
class SignedIn:
    """A user with the tokens of a new session. device: the id to keep on the client (`clients.set_device_cookie`)."""

    user: User
    tokens: sessions.TokenPair
    device: str = field(repr=False)


@dataclass(frozen=True)
class Authenticated:
    """Whose password it was, and the attempt that it was counted as. user: as `lockout.recognised` finds it."""

    user: Any
    attempt: lockout.Attempt


def sign_in(*, email: str, password: str, client: Client) -> SignedIn | ChallengeIssued:
    """Compare the password and begin a session, or ask for the second factor where it is on.

    Raises AccountLockedException, InvalidCredentialsException, or EmailNotVerifiedException for the right password of
    an address that is not confirmed yet.
    """
    who = authenticate(email=email, password=password, client=client)
    clear_strangers = not who.attempt.device
    if not who.user.has_mfa:
        return _begin(who.user, client, clear_strangers=clear_strangers, reauthenticated_at=timezone.now())
    try:
        challenge = login_challenge.challenge_for(who.user, client)
    except InvalidCredentialsException as refusal:
        _write_down(refusal, user=who.user, client=client)
        raise
    if challenge is not None:
        lockout.forget(email, client)  # the password was right; codes have a count of their own
        return challenge
    signed_in = _begin(who.user, client, clear_strangers=clear_strangers)
    reauthentication.note_password(user=who.user, session_id=signed_in.tokens.session.pk)
    return signed_in


def sign_in_confirmed(*, user: User, client: Client) -> SignedIn | ChallengeIssued | None:
    """Sign in to an account in the browser that registered it and has just confirmed its address.

    None where nobody's password is left of a contested registration, or nobody may sign in.
    """
    unchanged = User.objects.filter(pk=user.pk, password=user.password, is_active=True)
    known: Any = lockout.recognised(unchanged, email=user.email, client=client).first()
    if known is None or not known.has_usable_password() or _refusal(known) is not None:
        return None
    challenge = login_challenge.challenge_for(known, client) if known.has_mfa else None
    return challenge or _begin(known, client, clear_strangers=False)


def complete(*, user: User, client: Client) -> SignedIn:
    """Begin the session of a sign-in whose last step succeeded: a second factor, or a passkey.

    user: as they were when the step began. Raises AccountLockedException or EmailNotVerifiedException for a user who
    may not sign in all the same, InvalidCredentialsException where the password was replaced since.
    """
    unchanged = User.objects.filter(pk=user.pk, password=user.password)
    known = lockout.recognised(unchanged, email=user.email, client=client).first()
    if known is None:
        raise InvalidCredentialsException
    not_now = _refusal(known)
    if not_now is not None:
        _write_down(not_now, user=known, client=client)
        raise not_now
    signed_in = _begin(known, client, clear_strangers=False)
    reauthentication.note(signed_in.tokens.session.pk, with_second_factor=True)
    return signed_in


def authenticate(*, email: str, password: str, client: Client) -> Authenticated:
    """The user whose password this is and who may sign in now; each failure is counted and written down.

    An unknown address is counted and costs a hash too, so that neither the answer nor its time tells. Raises what
    `sign_in` does.
    """
    user = lockout.recognised(User.objects.with_email(email), email=email, client=client).first()
    tries = lockout.ATTEMPTS  # where a lock lets nothing be compared
    try:
        attempt = lockout.reserve_attempt(email=email, client=client)
        tries = attempt.tries
        if not _is_right(password, user):
            lockout.failed(attempt, user=user, client=client)
            raise InvalidCredentialsException
        not_now = _refusal(user)
        if not_now is not None:
            lockout.forget(email, client)  # the password was right
            raise not_now
    except (AccountLockedException, InvalidCredentialsException, EmailNotVerifiedException) as refusal:
        _write_down(refusal, user=user, client=client, email=email, tries=tries)
        raise
    return Authenticated(user, attempt)


def _write_down(
    refusal: UnauthorizedException | ForbiddenException,
    *,
    user: User | None,
    client: Client,
    email: str = "",
    tries: int = 1,
) -> None:
    """Outside of any transaction that the refusal takes back. email: as typed, where the user's own is not known."""
    lockout.log_failure(email=user.email if user else email, reason=refusal.code, attempts=tries)
    details = {"reason": refusal.code}
    audit.record(kind=EventKind.SIGN_IN_FAILED, user=user, client=client, details=details)


def _is_right(password: str, user: User | None) -> bool:
    if user is None:
        passwords.compare_with_none(password)
        return False
    return passwords.matches(user, password) and user.is_active


def _refusal(user: Any) -> AccountLockedException | EmailNotVerifiedException | None:
    """Why a user who knows the password may not sign in all the same."""
    if user.locked_at is not None:
        return AccountLockedException()
    if settings.ACCOUNTS_EMAIL_VERIFICATION == "mandatory" and not user.is_email_verified:
        return EmailNotVerifiedException()
    return None


def _begin(user: Any, client: Client, *, clear_strangers: bool, reauthenticated_at: datetime | None = None) -> SignedIn:
    """Start the session and announce it. user: from `lockout.recognised`; reauthenticated_at: see `sessions.begin`.

    Raises InvalidCredentialsException where the password was replaced, or the account shut, since `user` was read.
    """
    try:
        signed_in = _started(user, client, clear_strangers=clear_strangers, reauthenticated_at=reauthenticated_at)
    except InvalidCredentialsException as refusal:
        _write_down(refusal, user=user, client=client)
        raise
    logger.info("user_login", user_id=user.pk, email=user.email)
    return signed_in


def _started(user: Any, client: Client, *, clear_strangers: bool, reauthenticated_at: datetime | None) -> SignedIn:
    with transaction.atomic():
        # Whoever replaces the password waits for this row and then ends our session, or was faster and we find it.
        if not User.objects.note_sign_in(user, timezone.now()):
            raise InvalidCredentialsException
        if reauthenticated_at is not None and login_challenge.is_enabled(user):
            raise InvalidCredentialsException  # switched on since `user` was read: the password is not all there is
        device = lockout.new_device(email=user.email, client=client, clear_strangers=clear_strangers)
        pair = sessions.start(user=user, client=client, reauthenticated_at=reauthenticated_at)
        about = {"user": user, "session": pair.session, "client": client}
        is_new = user.signed_in_before and not user.knows_device
        details = {"new_device": True} if is_new else None
        audit.record(kind=EventKind.SIGNED_IN, user=user, client=client, session_id=pair.session.pk, details=details)
        if is_new:
            token = tokens.issue_report_token(user)
            signals.new_device_used.send(sender=User, report_token=token, **about)
    return SignedIn(user, pair, device)

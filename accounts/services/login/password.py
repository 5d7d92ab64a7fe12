"""Sign in with e-mail address and password."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

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
from accounts.services.mfa import methods, reauthentication
from accounts.services.one_time import tokens
from accounts.services.passwords import passwords
from accounts.services.sessions import sessions
from accounts.states import AuthenticationMethod, EventKind
from foodfleet.core.exceptions import ForbiddenException, UnauthorizedException
from foodfleet.core.http.clients import Client

PASSWORD = (AuthenticationMethod.PASSWORD,)


@dataclass(frozen=True)
class SignedIn:
    """A user with the tokens of a new session. device: the id to store on the client (`accounts.cookies`)."""

    user: User
    tokens: sessions.TokenPair
    device: str = field(repr=False)


@dataclass(frozen=True)
class Authenticated:
    """A user who gave the correct password, annotated by `lockout.with_sign_in_history`, and the counted attempt."""

    user: Any
    attempt: lockout.Attempt


@dataclass(frozen=True)
class _Authentication:
    """How the user authenticated: `amr`, and the time for `Session.reauthenticated_at`."""

    amr: tuple[AuthenticationMethod, ...] = ()
    reauthenticated_at: datetime | None = None


def sign_in(*, email: str, password: str, client: Client) -> SignedIn | ChallengeIssued:
    """Verify the password and start a session, or issue a challenge if MFA is required.

    Raises AccountLockedException, InvalidCredentialsException, or EmailNotVerifiedException for the correct password of
    an address that is not confirmed yet.
    """
    authenticated = authenticate(email=email, password=password, client=client)
    if not authenticated.user.has_mfa:
        how = _Authentication(PASSWORD, timezone.now())
        return _begin(authenticated.user, client, clear_unknown_device=True, how=how)
    try:
        challenge = login_challenge.issue_if_required(authenticated.user, client)
    except InvalidCredentialsException as error:
        _record_failure(error, user=authenticated.user, client=client)
        raise
    if challenge is not None:
        lockout.succeeded(authenticated.attempt)  # MFA codes are counted separately
        return challenge
    signed_in = _begin(authenticated.user, client, clear_unknown_device=True, how=_Authentication(PASSWORD))
    reauthentication.record_password_sign_in(user=authenticated.user, session_id=signed_in.tokens.session.pk)
    return signed_in


def sign_in_confirmed(*, user: User, client: Client) -> SignedIn | ChallengeIssued | None:
    """Sign in to an account in the browser that registered it and has just confirmed its address.

    Returns None if the user may not sign in, or has no password because the registration was contested.
    """
    unchanged = User.objects.filter(pk=user.pk, password=user.password, is_active=True)
    known: Any = lockout.with_sign_in_history(unchanged, email=user.email, client=client).first()
    if known is None or not known.has_usable_password() or _obstacle(known) is not None:
        return None
    challenge = login_challenge.issue_if_required(known, client) if known.has_mfa else None
    return challenge or _begin(known, client, clear_unknown_device=False, how=_Authentication())


def complete(*, user: User, client: Client, amr: tuple[AuthenticationMethod, ...]) -> SignedIn:
    """Start the session of a sign-in whose last step succeeded: MFA, or a passkey.

    user: as read before that step. amr: how the user authenticated. Raises AccountLockedException or
    EmailNotVerifiedException for a user who may not sign in, InvalidCredentialsException if the password was changed
    since then.
    """
    unchanged = User.objects.filter(pk=user.pk, password=user.password)
    known = lockout.with_sign_in_history(unchanged, email=user.email, client=client).first()
    if known is None:
        raise InvalidCredentialsException
    obstacle = _obstacle(known)
    if obstacle is not None:
        _record_failure(obstacle, user=known, client=client)
        raise obstacle
    signed_in = _begin(known, client, clear_unknown_device=False, how=_Authentication(amr))
    reauthentication.record(signed_in.tokens.session.pk, with_mfa=True, amr=amr)
    return signed_in


def authenticate(*, email: str, password: str, client: Client) -> Authenticated:
    """Verify the password of a user who may sign in; failures are counted and recorded.

    For an unknown address an attempt is counted and a password hashed too, so that neither the response nor its time
    reveals that it is unknown. Raises the exceptions of `sign_in`.
    """
    user: Any = lockout.with_sign_in_history(User.objects.with_email(email), email=email, client=client).first()
    tries = lockout.ATTEMPTS  # for a locked address, where no attempt is counted
    try:
        attempt = lockout.reserve_attempt(email=email, known_device_id=user.known_device_id if user else None)
        tries = attempt.tries
        if not _matches(password, user):
            lockout.failed(attempt, user=user, client=client)
            raise InvalidCredentialsException
        obstacle = _obstacle(user)
        if obstacle is not None:
            lockout.succeeded(attempt)
            raise obstacle
    except (AccountLockedException, InvalidCredentialsException, EmailNotVerifiedException) as error:
        _record_failure(error, user=user, client=client, email=email, tries=tries)
        raise
    return Authenticated(user, attempt)


def _record_failure(
    error: UnauthorizedException | ForbiddenException,
    *,
    user: User | None,
    client: Client,
    email: str = "",
    tries: int = 1,
) -> None:
    """Log and record a failure, outside of the transaction that it rolls back. email: as typed, if there is no user."""
    lockout.log_failure(email=user.email if user else email, reason=error.code, attempts=tries)
    details = {"reason": error.code}
    audit.record(kind=EventKind.SIGN_IN_FAILED, user=user, client=client, details=details)


def _matches(password: str, user: User | None) -> bool:
    if user is None:
        passwords.simulate_mismatch(password)
        return False
    return passwords.matches(user, password) and user.is_active


def _obstacle(user: User) -> AccountLockedException | EmailNotVerifiedException | None:
    """Return the exception for a user who may not sign in despite the correct password; None for others."""
    if user.locked_at is not None:
        return AccountLockedException()
    if settings.ACCOUNTS_EMAIL_VERIFICATION == "mandatory" and not user.is_email_verified:
        return EmailNotVerifiedException()
    return None


def _begin(user: User, client: Client, *, clear_unknown_device: bool, how: _Authentication) -> SignedIn:
    """Start the session, and record if that fails. user: annotated by `lockout.with_sign_in_history`.

    Raises InvalidCredentialsException if the password was changed or the account locked since `user` was read.
    """
    try:
        return _start(user, client, clear_unknown_device=clear_unknown_device, how=how)
    except InvalidCredentialsException as error:
        _record_failure(error, user=user, client=client)
        raise


def _start(user: Any, client: Client, *, clear_unknown_device: bool, how: _Authentication) -> SignedIn:
    with transaction.atomic():
        # A concurrent password change either waits for this row and then ends this session, or is noticed here.
        if not User.objects.record_sign_in(user, timezone.now()):
            raise InvalidCredentialsException
        if how.reauthenticated_at is not None and methods.is_enabled(user):
            raise InvalidCredentialsException  # MFA was enabled since `user` was read
        device = lockout.new_device(
            email=user.email,
            client=client,
            known_device_id=user.known_device_id,
            clear_unknown_device=clear_unknown_device,
        )
        pair = sessions.start(user=user, client=client, reauthenticated_at=how.reauthenticated_at, amr=how.amr)
        about = {"user": user, "session": pair.session, "client": client}
        is_new = user.signed_in_before and not user.is_known_device
        details = {"new_device": True} if is_new else None
        audit.record(kind=EventKind.SIGNED_IN, user=user, client=client, session_id=pair.session.pk, details=details)
        if is_new:
            token = tokens.issue_report_token(user)
            signals.new_device_used.send(sender=User, report_token=token, **about)
    return SignedIn(user, pair, device)

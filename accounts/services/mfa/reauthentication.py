"""Re-authentication: sensitive changes require that the user authenticated in this session in the last ten minutes."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.utils import timezone

from accounts.exceptions import InvalidCredentialsException, ReauthenticationRequiredException
from accounts.models import Session, User
from accounts.services.limits import lockout
from accounts.services.mfa import codes, methods, passkey_verification
from accounts.services.one_time import challenges
from accounts.services.passwords import passwords
from accounts.states import AuthenticationMethod, ChallengePurpose
from foodfleet.core.http.clients import Client

LIFETIME = timedelta(minutes=10)
WITH_CODE = (AuthenticationMethod.PASSWORD, AuthenticationMethod.OTP, AuthenticationMethod.MULTIPLE)


def confirm_password(*, user: User, password: str, client: Client) -> None:
    """Verify the password. Attempts are counted as at sign-in, so that a stolen session cannot guess it.

    Never call it inside a transaction. Raises InvalidCredentialsException or AccountLockedException.
    """
    known_device_id = lockout.known_device_id(email=user.email, client=client)
    attempt = lockout.reserve_attempt(email=user.email, known_device_id=known_device_id)
    if not passwords.matches(user, password):
        lockout.failed(attempt, user=user, client=client)
        lockout.log_failure(email=user.email, reason=InvalidCredentialsException.code, attempts=attempt.tries)
        raise InvalidCredentialsException
    lockout.succeeded(attempt)


def reauthenticate(*, user: User, session_id: UUID, password: str, code: str = "", client: Client) -> None:
    """Re-authenticate the session with the password and, if MFA is enabled, a code.

    Raises InvalidCredentialsException, AccountLockedException, Invalid2FACodeException or ThrottledException.
    """
    confirm_password(user=user, password=password, client=client)
    enabled = methods.is_enabled(user)
    if enabled:
        codes.verify(user=user, code=code, client=client)
    record(session_id, with_mfa=enabled, amr=WITH_CODE if enabled else (AuthenticationMethod.PASSWORD,))


def reauthenticate_with_password(*, user: User, session_id: UUID, password: str, client: Client) -> None:
    """Verify the password, and re-authenticate the session if MFA is disabled; with MFA, the password does not suffice.

    Raises InvalidCredentialsException or AccountLockedException.
    """
    confirm_password(user=user, password=password, client=client)
    if not methods.is_enabled(user):
        record(session_id, with_mfa=False, amr=(AuthenticationMethod.PASSWORD,))


def passkey_challenge(*, user: User, client: Client) -> challenges.PasskeyChallenge:
    """Issue the challenge for `reauthenticate_with_passkey`."""
    purpose = ChallengePurpose.REAUTHENTICATION
    return passkey_verification.issue_challenge(purpose, user=user, client=client, user_verification=True)


def reauthenticate_with_passkey(
    *, user: User, session_id: UUID, challenge: str, credential: Any, client: Client
) -> None:
    """Re-authenticate with a passkey that verifies its user, which replaces password and code.

    Raises Invalid2FACodeException.
    """
    issued = challenges.find(challenge, ChallengePurpose.REAUTHENTICATION)
    challenges.reserve_attempt(issued)
    passkey = passkey_verification.verify(
        user=user, credential=credential, challenge=challenge, client=client, user_verification=True
    )
    challenges.consume(issued)
    record(session_id, with_mfa=True, amr=passkey_verification.amr_alone(passkey))


def record(session_id: UUID, *, with_mfa: bool, amr: Iterable[AuthenticationMethod]) -> None:
    """Store that the user authenticated in this session now. amr: how."""
    now = timezone.now()
    passed = {"mfa_passed_at": now} if with_mfa else {}
    Session.objects.filter(pk=session_id).update(reauthenticated_at=now, amr=" ".join(amr), **passed)


def record_enrolment(session_id: UUID, method: AuthenticationMethod) -> None:
    """Store that the user, who has just re-authenticated, passed MFA with a new method."""
    used = Session.objects.values_list("amr", flat=True).get(pk=session_id).split()
    amr = dict.fromkeys([*map(AuthenticationMethod, used), method, AuthenticationMethod.MULTIPLE])
    record(session_id, with_mfa=True, amr=amr)


def record_password_sign_in(*, user: User, session_id: UUID) -> None:
    """Store that the session was started with the password alone: MFA is disabled, or the browser is trusted."""
    if methods.is_enabled(user):
        Session.objects.filter(pk=session_id).update(mfa_passed_at=timezone.now())
    else:
        record(session_id, with_mfa=False, amr=(AuthenticationMethod.PASSWORD,))


def is_recent(session_id: UUID) -> bool:
    """Return whether the user authenticated in this session in the last ten minutes."""
    now = timezone.now()
    return Session.objects.live(now).reauthenticated_since(now - LIFETIME).filter(pk=session_id).exists()


def require_if_mfa_enabled(*, user: User, session_id: UUID) -> None:
    """Raise ReauthenticationRequiredException if MFA is enabled and the last re-authentication is too old.

    For callers that verify the password themselves, which suffices without MFA.
    """
    if methods.is_enabled(user):
        require(session_id)


def require(session_id: UUID) -> None:
    """Raise ReauthenticationRequiredException unless the user authenticated in this session in the last ten minutes."""
    if not is_recent(session_id):
        raise ReauthenticationRequiredException

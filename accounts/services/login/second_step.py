"""The second step of a sign-in: answer a challenge with an MFA method."""

from dataclasses import replace
from typing import Any

from django.db import transaction

from accounts import signals
from accounts.exceptions import Invalid2FACodeException
from accounts.models import Challenge, User
from accounts.services import audit
from accounts.services.limits import lockout
from accounts.services.login import password
from accounts.services.mfa import codes, methods, passkey_verification, resets, sms
from accounts.services.one_time import challenges
from accounts.states import AuthenticationMethod, ChallengePurpose, EventKind, Method
from foodfleet.core.cache.rate_limits import sliding_window
from foodfleet.core.exceptions import ThrottledException
from foodfleet.core.http.clients import Client

SMS_PER_HOUR = 10  # to one user: limits misuse and cost


def pending(challenge: str) -> tuple[User, tuple[Method, ...]]:
    """Return the user of a pending challenge (its token) and their methods. Raises Invalid2FACodeException."""
    user = _user_of(challenges.find(challenge, ChallengePurpose.SIGN_IN))
    return user, methods.methods_of(user)


def passkey_options(challenge: str) -> dict[str, Any]:
    """Return the options for the browser's passkey call for the challenge. Raises Invalid2FACodeException."""
    user = _user_of(challenges.find(challenge, ChallengePurpose.SIGN_IN))
    return passkey_verification.options(challenge, user=user, user_verification=False)


def answer(*, challenge: str, method: str, code: Any, client: Client) -> password.SignedIn:
    """Verify an MFA method and start the session that the challenge is for.

    challenge: its token. code: the code, or a passkey's assertion (JSON text or object). A challenge can be answered
    once and allows five attempts. Raises Invalid2FACodeException, ThrottledException, and the exceptions of
    `password.complete`.
    """
    issued = challenges.find(challenge, ChallengePurpose.SIGN_IN)
    user = _user_of(issued)
    if method not in methods.methods_of(user):
        raise Invalid2FACodeException
    attempt = challenges.reserve_attempt(issued)
    try:
        passed = _verify(issued, challenge, Method(method), code, client)
    except Invalid2FACodeException as error:
        challenges.failed(issued, attempt)
        lockout.log_failure(email=user.email, reason=error.code, attempts=attempt)
        raise
    challenges.consume(issued)
    amr = (AuthenticationMethod.PASSWORD, passed, AuthenticationMethod.MULTIPLE)
    return finish(user=user, client=replace(client, device_name=issued.device_name), amr=amr)


def finish(*, user: User, client: Client, amr: tuple[AuthenticationMethod, ...]) -> password.SignedIn:
    """Start the session of a user who completed every step. Raises the exceptions of `password.complete`."""
    signed_in = password.complete(user=user, client=client, amr=amr)
    resets.cancel(user=user, client=client)  # the user evidently has not lost the methods
    return signed_in


def send_sms_code(*, challenge: str, client: Client) -> None:
    """Send a code to the verified phone number; it replaces the previous one.

    Raises Invalid2FACodeException if the user cannot use SMS, or ThrottledException.
    """
    issued = challenges.find(challenge, ChallengePurpose.SIGN_IN)
    user = _user_of(issued)
    if Method.SMS not in methods.methods_of(user):
        raise Invalid2FACodeException
    counted = sliding_window(f"mfa-sms:{user.pk}", limit=SMS_PER_HOUR, seconds=3600)
    if not counted.allowed:
        raise ThrottledException(counted.retry_after)
    code = sms.new_code()
    with transaction.atomic():
        challenges.reserve_sms(issued, digest=sms.digest(code, context=str(issued.pk)))
        audit.record(kind=EventKind.TWO_FACTOR_TEXTED, user=user, client=client)
        signals.sms_code_requested.send(sender=User, user=user, phone=user.phone, code=code, client=client)


def _verify(issued: Challenge, token: str, method: Method, code: Any, client: Client) -> AuthenticationMethod:
    user = _user_of(issued)
    if method == Method.PASSKEY:
        passkey = passkey_verification.verify(
            user=user, credential=code, challenge=token, client=client, user_verification=False
        )
        return passkey_verification.method_of(passkey)
    if not isinstance(code, str):
        raise Invalid2FACodeException
    if method == Method.SMS:
        stored, context = issued.sms_digest, str(issued.pk)
        codes.check_counted(user, method, client, lambda: sms.matches(code, stored, context=context))
        return AuthenticationMethod.SMS
    codes.verify(user=user, code=code, client=client, method=method)
    return AuthenticationMethod.OTP


def _user_of(challenge: Challenge) -> User:
    if challenge.user is None or not challenge.user.is_active:
        raise Invalid2FACodeException
    return challenge.user

"""The second step of a sign-in: a challenge and its answer."""

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
from accounts.states import ChallengePurpose, EventKind, Method
from foodfleet.core.cache.rate_limits import sliding_window
from foodfleet.core.exceptions import ThrottledException
from foodfleet.core.http.clients import Client

TEXTS_A_CHALLENGE = 3
TEXTS_AN_HOUR = 10  # to one person, so that nobody's phone is flooded, and our bill neither


def waiting(challenge: str) -> tuple[User, tuple[Method, ...]]:
    """Who the challenge (its token) waits for, and what they can answer with. Raises Invalid2FACodeException."""
    user = _user_of(challenges.find(challenge, ChallengePurpose.SIGN_IN))
    return user, methods.methods_of(user)


def passkey_options(challenge: str) -> dict[str, Any]:
    """What the browser's passkey call is given for the challenge. Raises Invalid2FACodeException."""
    user = _user_of(challenges.find(challenge, ChallengePurpose.SIGN_IN))
    return passkey_verification.options(challenge, user=user, alone=False)


def answer(*, challenge: str, method: str, code: Any, client: Client) -> password.SignedIn:
    """Take the second factor and begin the session that the challenge waits for.

    challenge: its token; code: what the method shows, for a passkey the browser's answer (JSON, as text or read). The
    challenge serves once and dies after five answers. Raises Invalid2FACodeException or ThrottledException.
    """
    asked = challenges.find(challenge, ChallengePurpose.SIGN_IN)
    user = _user_of(asked)
    if method not in methods.methods_of(user):
        raise Invalid2FACodeException
    challenges.reserve_attempt(asked)
    try:
        _check(asked, challenge, Method(method), code, client)
    except Invalid2FACodeException as refusal:
        lockout.log_failure(email=user.email, reason=refusal.code, attempts=asked.attempts + 1)
        raise
    challenges.consume(asked)
    return finish(user=user, client=replace(client, device_name=asked.device_name))


def finish(*, user: User, client: Client) -> password.SignedIn:
    """Begin the session of somebody who showed everything that is asked."""
    signed_in = password.complete(user=user, client=client)
    resets.cancel(user=user, client=client)  # who can show it has not lost it
    return signed_in


def text_code(*, challenge: str, client: Client) -> None:
    """Text a code to the verified phone; it takes the place of the one before.

    Raises Invalid2FACodeException where no text can be an answer, or ThrottledException.
    """
    asked = challenges.find(challenge, ChallengePurpose.SIGN_IN)
    user = _user_of(asked)
    if Method.SMS not in methods.methods_of(user):
        raise Invalid2FACodeException
    counted = sliding_window(f"2fa-texts:{user.pk}", limit=TEXTS_AN_HOUR, seconds=3600)
    if not counted.allowed:
        raise ThrottledException(counted.retry_after)
    code = sms.new_code()
    with transaction.atomic():
        challenges.reserve_text(asked, digest=sms.digest(code, asked), limit=TEXTS_A_CHALLENGE)
        audit.record(kind=EventKind.TWO_FACTOR_TEXTED, user=user, client=client)
        signals.sms_code_requested.send(sender=User, user=user, phone=user.phone, code=code, client=client)


def _check(asked: Challenge, token: str, method: Method, code: Any, client: Client) -> None:
    user = _user_of(asked)
    if method == Method.PASSKEY:
        passkey_verification.use(user=user, credential=code, challenge=token, client=client, alone=False)
    elif not isinstance(code, str):
        raise Invalid2FACodeException
    elif method == Method.SMS:
        codes.attempt(user, method, client, lambda: sms.matches(code, asked))
    else:
        codes.use(user=user, code=code, client=client, method=method)


def _user_of(challenge: Challenge) -> User:
    user: User | None = challenge.user
    if user is None or not user.is_active:
        raise Invalid2FACodeException
    return user

"""Verify a passkey's assertion: in the second step, for re-authentication, and for a sign-in without password.

user_verification: required if the passkey is the only factor. The authenticator then has to verify its user with a PIN
or biometrics (WebAuthn level 3, section 1.1) and to return the user handle.
"""

from dataclasses import asdict
from typing import Any, NoReturn

from django.utils import timezone

from accounts.exceptions import Invalid2FACodeException
from accounts.models import Passkey, User
from accounts.services import audit
from accounts.services.mfa import webauthn
from accounts.services.one_time import challenges
from accounts.services.one_time.challenges import PasskeyChallenge
from accounts.states import AuthenticationMethod, ChallengePurpose, EventKind, Method
from foodfleet.core.http.clients import Client


def issue_challenge(
    purpose: ChallengePurpose, *, user: User | None, client: Client, user_verification: bool
) -> PasskeyChallenge:
    """Issue a challenge with the options for the browser's passkey call."""
    issued = challenges.issue(purpose, user=user, client=client)
    request = options(issued.token, user=user, user_verification=user_verification)
    return PasskeyChallenge(issued.token, request, issued.expires_in)


def options(token: str, *, user: User | None, user_verification: bool) -> dict[str, Any]:
    """Return the options for the browser's passkey call for the challenge of `token`."""
    known = list(Passkey.objects.of(user)) if user else []
    challenge = webauthn.challenge_bytes(token)
    return webauthn.request_options(challenge=challenge, known=known, user_verification=user_verification)


def verify(*, user: User, credential: Any, challenge: str, client: Client, user_verification: bool) -> Passkey:
    """Verify the assertion of one of the user's passkeys for `challenge` (the token), and store its new counter.

    Raises Invalid2FACodeException.
    """
    try:
        assertion = webauthn.read_assertion(credential)
        passkey = Passkey.objects.of(user).filter(credential_id=assertion.credential_id).first()
        if passkey is None or not _names_user(assertion, user, required=user_verification):
            raise webauthn.InvalidPasskeyError
        verified = webauthn.verify_assertion(
            credential,
            passkey,
            challenge=webauthn.challenge_bytes(challenge),
            user_verification=user_verification,
        )
    except webauthn.CopiedPasskeyError:
        _reject(user, client, EventKind.PASSKEY_COPIED)
    except webauthn.InvalidPasskeyError:
        _reject(user, client, EventKind.TWO_FACTOR_FAILED)
    previous = passkey.sign_count
    if not Passkey.objects.record_use(passkey.pk, previous_count=previous, now=timezone.now(), **asdict(verified)):
        raise Invalid2FACodeException
    return passkey


def method_of(passkey: Passkey) -> AuthenticationMethod:
    """Return the `amr` value of a passkey: a software key if its provider may sync it."""
    return AuthenticationMethod.SOFTWARE_KEY if passkey.is_backup_eligible else AuthenticationMethod.HARDWARE_KEY


def amr_alone(passkey: Passkey) -> tuple[AuthenticationMethod, ...]:
    """Return the `amr` values of a passkey that verified its user: it is possession and knowledge or biometrics."""
    return method_of(passkey), AuthenticationMethod.MULTIPLE


def _names_user(assertion: webauthn.Assertion, user: User, *, required: bool) -> bool:
    """Return whether the user handle is that of `user` (section 7.2, step 6); without `required` it may be missing."""
    if assertion.user_handle is None:
        return not required
    return assertion.user_handle == webauthn.user_handle_text(user)


def _reject(user: User, client: Client, kind: EventKind) -> NoReturn:
    audit.record(kind=kind, user=user, client=client, details={"method": Method.PASSKEY.value})
    raise Invalid2FACodeException

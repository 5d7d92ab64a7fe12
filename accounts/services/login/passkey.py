"""Sign in with a passkey alone, if its owner has allowed that."""

from typing import Any

from accounts.exceptions import Invalid2FACodeException
from accounts.models import Passkey, User
from accounts.services import audit
from accounts.services.limits import lockout
from accounts.services.login import password, second_step
from accounts.services.mfa import passkey_verification, webauthn
from accounts.services.one_time import challenges
from accounts.services.one_time.challenges import PasskeyChallenge
from accounts.states import ChallengePurpose, EventKind, Method
from foodfleet.core.http.clients import Client


def begin(*, client: Client) -> PasskeyChallenge:
    """Issue a challenge for a passkey of any user."""
    purpose = ChallengePurpose.PASSKEY_SIGN_IN
    return passkey_verification.issue_challenge(purpose, user=None, client=client, user_verification=True)


def sign_in_with(*, challenge: str, credential: Any, client: Client) -> password.SignedIn:
    """Verify the passkey and start a session for its owner.

    The authenticator verified its user, so the passkey replaces both password and MFA. Raises Invalid2FACodeException,
    AccountLockedException or EmailNotVerifiedException.
    """
    issued = challenges.find(challenge, ChallengePurpose.PASSKEY_SIGN_IN)
    challenges.reserve_attempt(issued)
    owner = _owner(credential, client)
    passkey = passkey_verification.verify(
        user=owner, credential=credential, challenge=challenge, client=client, user_verification=True
    )
    challenges.consume(issued)
    return second_step.finish(user=owner, client=client, amr=passkey_verification.amr_alone(passkey))


def _owner(credential: Any, client: Client) -> User:
    try:
        assertion = webauthn.read_assertion(credential)
    except webauthn.InvalidPasskeyError:
        raise Invalid2FACodeException from None
    passkey = Passkey.objects.passwordless().filter(credential_id=assertion.credential_id).first()
    if passkey is None or not passkey.user.is_active:
        details = {"method": Method.PASSKEY.value}
        audit.record(kind=EventKind.SIGN_IN_FAILED, user=None, client=client, details=details)
        lockout.log_failure(email="", reason=Invalid2FACodeException.code, attempts=1)
        raise Invalid2FACodeException
    return passkey.user

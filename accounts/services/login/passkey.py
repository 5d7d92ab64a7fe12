"""A passkey as the whole sign-in, for who chose that for it."""

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
    """What the browser is given to find a passkey of this site; nobody says yet who they are."""
    return passkey_verification.question(ChallengePurpose.PASSKEY_SIGN_IN, user=None, client=client, alone=True)


def sign_in_with(*, challenge: str, credential: Any, client: Client) -> password.SignedIn:
    """Begin a session for the passkey's owner.

    It holds for password and second factor both, since the authenticator made sure who holds it. Raises
    Invalid2FACodeException, AccountLockedException or EmailNotVerifiedException.
    """
    asked = challenges.find(challenge, ChallengePurpose.PASSKEY_SIGN_IN)
    challenges.reserve_attempt(asked)
    owner = _owner(credential, client)
    passkey_verification.use(user=owner, credential=credential, challenge=challenge, client=client, alone=True)
    challenges.consume(asked)
    return second_step.finish(user=owner, client=client)


def _owner(credential: Any, client: Client) -> User:
    try:
        said = webauthn.read_assertion(credential)
    except webauthn.InvalidPasskeyError:
        raise Invalid2FACodeException from None
    passkey: Passkey | None = Passkey.objects.passwordless().filter(credential_id=said.credential_id).first()
    if passkey is None or not passkey.user.is_active:
        details = {"method": Method.PASSKEY.value}
        audit.record(kind=EventKind.SIGN_IN_FAILED, user=None, client=client, details=details)
        lockout.log_failure(email="", reason=Invalid2FACodeException.code, attempts=1)
        raise Invalid2FACodeException
    return passkey.user

"""A passkey as the whole sign-in, for who chose that for it."""

from typing import Any

from accounts.exceptions import Invalid2FACodeException
from accounts.models import Passkey, User
from accounts.second_factor import passkeys
from accounts.services import challenges, lockout, passkey_checks, security_events, sign_in, sign_in_challenges
from accounts.services.challenges import PasskeyQuestion
from accounts.states import ChallengePurpose, EventKind, Method
from foodfleet.core.clients import Client


def begin(*, client: Client) -> PasskeyQuestion:
    """What the browser is given to find a passkey of this site; nobody says yet who they are."""
    return passkey_checks.question(ChallengePurpose.PASSKEY_SIGN_IN, user=None, client=client, alone=True)


def sign_in_with(*, challenge: str, credential: Any, client: Client) -> sign_in.SignedIn:
    """Begin a session for the passkey's owner.

    It holds for password and second factor both, since the authenticator made sure who holds it. Raises
    Invalid2FACodeException, AccountLockedException or EmailNotVerifiedException.
    """
    asked = challenges.find(challenge, ChallengePurpose.PASSKEY_SIGN_IN)
    challenges.reserve_attempt(asked)
    owner = _owner(credential, client)
    passkey_checks.use(user=owner, credential=credential, challenge=challenge, client=client, alone=True)
    challenges.spend(asked)
    return sign_in_challenges.finish(user=owner, client=client)


def _owner(credential: Any, client: Client) -> User:
    try:
        said = passkeys.read_assertion(credential)
    except passkeys.InvalidPasskeyError:
        raise Invalid2FACodeException from None
    passkey: Passkey | None = Passkey.objects.passwordless().filter(credential_id=said.credential_id).first()
    if passkey is None or not passkey.user.is_active:
        details = {"method": Method.PASSKEY.value}
        security_events.record(kind=EventKind.SIGN_IN_FAILED, user=None, client=client, details=details)
        lockout.log_failure(email="", reason=Invalid2FACodeException.code, attempts=1)
        raise Invalid2FACodeException
    return passkey.user

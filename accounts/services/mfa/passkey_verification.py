"""Is this an answer of the user's passkey? Asked at sign-in, as fresh proof, and as the whole sign-in."""

from dataclasses import asdict
from typing import Any, NoReturn

from django.utils import timezone

from accounts.exceptions import Invalid2FACodeException
from accounts.models import Passkey, User
from accounts.services import audit
from accounts.services.mfa import webauthn
from accounts.services.one_time import challenges
from accounts.services.one_time.challenges import PasskeyChallenge
from accounts.states import ChallengePurpose, EventKind, Method
from foodfleet.core.http.clients import Client


def question(purpose: ChallengePurpose, *, user: User | None, client: Client, alone: bool) -> PasskeyChallenge:
    """A challenge with what the browser's passkey call is given. alone: the passkey stands for the password too."""
    issued = challenges.issue(purpose, user=user, client=client)
    return PasskeyChallenge(issued.token, options(issued.token, user=user, alone=alone), issued.expires_in)


def options(token: str, *, user: User | None, alone: bool) -> dict[str, Any]:
    """What the browser's passkey call is given for the challenge of `token`."""
    known = list(Passkey.objects.of(user)) if user else []
    return webauthn.request_options(challenge=webauthn.challenge_bytes(token), known=known, alone=alone)


def use(*, user: User, credential: Any, challenge: str, client: Client, alone: bool) -> Passkey:
    """Take the answer of one of the user's passkeys to `challenge` (the token) as proof, and move its counter on.

    alone: nothing else is asked, so it has to make sure who holds it and to say whose it is. Raises
    Invalid2FACodeException.
    """
    try:
        said = webauthn.read_assertion(credential)
        passkey: Passkey | None = Passkey.objects.of(user).filter(credential_id=said.credential_id).first()
        if passkey is None or not _is_of(said, user, alone=alone):
            raise webauthn.InvalidPasskeyError
        verified = webauthn.verify_assertion(
            credential, passkey, challenge=webauthn.challenge_bytes(challenge), alone=alone
        )
    except webauthn.CopiedPasskeyError:
        _refuse(user, client, EventKind.PASSKEY_COPIED)
    except webauthn.InvalidPasskeyError:
        _refuse(user, client, EventKind.TWO_FACTOR_FAILED)
    if not Passkey.objects.use(passkey.pk, counted=passkey.sign_count, now=timezone.now(), **asdict(verified)):
        raise Invalid2FACodeException
    return passkey


def _is_of(said: webauthn.Assertion, user: User, *, alone: bool) -> bool:
    """Section 7.2, step 6: a user handle names the owner; it may be missing only where the user was known before."""
    if said.user_handle is None:
        return not alone
    return said.user_handle == webauthn.user_handle_text(user)


def _refuse(user: User, client: Client, kind: EventKind) -> NoReturn:
    audit.record(kind=kind, user=user, client=client, details={"method": Method.PASSKEY.value})
    raise Invalid2FACodeException

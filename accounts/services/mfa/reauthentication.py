"""Before an account's locks are changed, its owner shows once more that it is them; that holds for ten minutes."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.utils import timezone

from accounts.exceptions import ReauthenticationRequiredException
from accounts.models import Session, User
from accounts.services.mfa import codes, methods, passkey_verification, password_proof
from accounts.services.one_time import challenges
from accounts.states import ChallengePurpose
from foodfleet.core.http.clients import Client

LIFETIME = timedelta(minutes=10)


def prove(*, user: User, session_id: UUID, password: str, code: str = "", client: Client) -> None:
    """Show the password and, where the second factor is on, a code: good for `session_id` alone.

    Raises InvalidCredentialsException, AccountLockedException, Invalid2FACodeException or ThrottledException.
    """
    password_proof.confirm_password(user=user, password=password, client=client)
    enabled = methods.is_enabled(user)
    if enabled:
        codes.use(user=user, code=code, client=client)
    note(session_id, with_second_factor=enabled)


def prove_by_password(*, user: User, session_id: UUID, password: str, client: Client) -> None:
    """Show the password. Where the second factor is on it is no proof, and one that was given before is still needed.

    Raises InvalidCredentialsException or AccountLockedException.
    """
    password_proof.confirm_password(user=user, password=password, client=client)
    if not methods.is_enabled(user):
        note(session_id, with_second_factor=False)


def ask_for_passkey(*, user: User, client: Client) -> challenges.PasskeyChallenge:
    """The question that `prove_by_passkey` takes the answer to."""
    return passkey_verification.question(ChallengePurpose.REAUTHENTICATION, user=user, client=client, alone=True)


def prove_by_passkey(*, user: User, session_id: UUID, challenge: str, credential: Any, client: Client) -> None:
    """Show a passkey, which says who holds it: it stands for password and code. Raises Invalid2FACodeException."""
    asked = challenges.find(challenge, ChallengePurpose.REAUTHENTICATION)
    challenges.reserve_attempt(asked)
    passkey_verification.use(user=user, credential=credential, challenge=challenge, client=client, alone=True)
    challenges.consume(asked)
    note(session_id, with_second_factor=True)


def note(session_id: UUID, *, with_second_factor: bool) -> None:
    """The owner was proved in this session now."""
    now = timezone.now()
    shown = {"mfa_passed_at": now} if with_second_factor else {}
    Session.objects.filter(pk=session_id).update(reauthenticated_at=now, **shown)


def note_password(*, user: User, session_id: UUID) -> None:
    """The session began with the password: all that is asked, or on a browser that skips the second factor."""
    if methods.is_enabled(user):
        Session.objects.filter(pk=session_id).update(mfa_passed_at=timezone.now())
    else:
        note(session_id, with_second_factor=False)


def holds(session_id: UUID) -> bool:
    """Whether the owner was proved in this session within the last ten minutes."""
    return (
        Session.objects.live(timezone.now())
        .reauthenticated_since(timezone.now() - LIFETIME)
        .filter(pk=session_id)
        .exists()
    )


def require_where_enabled(*, user: User, session_id: UUID) -> None:
    """Raise ReauthenticationRequiredException where the second factor is on and no proof holds.

    Without one the password that the call itself takes is all there is to show.
    """
    if methods.is_enabled(user):
        require(session_id)


def require(session_id: UUID) -> None:
    """Raise ReauthenticationRequiredException unless a proof holds."""
    if not holds(session_id):
        raise ReauthenticationRequiredException

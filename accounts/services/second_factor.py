"""The second factor of a user: is it on, what can be shown, and the question for it at sign-in."""

from dataclasses import dataclass, field

from accounts.models import BackupCode, Passkey, TOTPDevice, User
from accounts.services import challenges
from accounts.states import ChallengePurpose, Method
from foodfleet.core.clients import Client


@dataclass(frozen=True)
class ChallengeIssued:
    """The password was right, and the second factor is asked for. expires_in: seconds."""

    user: User
    challenge: str = field(repr=False)
    methods: tuple[Method, ...]
    expires_in: int


def is_enabled(user: User) -> bool:
    """Whether signing in as `user` takes a second factor."""
    return TOTPDevice.objects.of(user).confirmed().exists() or Passkey.objects.of(user).exists()


def methods_of(user: User) -> tuple[Method, ...]:
    """What `user` can show as the second factor; empty where it is off."""
    if not is_enabled(user):
        return ()
    available = {
        Method.TOTP: TOTPDevice.objects.of(user).confirmed().exists(),
        Method.BACKUP_CODE: BackupCode.objects.of(user).left().exists(),
        Method.PASSKEY: Passkey.objects.of(user).exists(),
    }
    return tuple(method for method in Method if available.get(method))


def challenge_for(user: User, client: Client) -> ChallengeIssued | None:
    """The question for the second factor; None where `user` has none. Called when the password was right."""
    methods = methods_of(user)
    if not methods:
        return None
    issued = challenges.issue(ChallengePurpose.SIGN_IN, user=user, client=client)
    return ChallengeIssued(user, issued.token, methods, issued.expires_in)

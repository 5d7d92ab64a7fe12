"""The question for the second factor, once the password was right."""

from dataclasses import dataclass, field
from typing import Any

from django.db import transaction

from accounts.exceptions import InvalidCredentialsException
from accounts.models import User
from accounts.services.mfa import passkey_verification, resets, trusted_browsers
from accounts.services.mfa.methods import backup_codes_left, is_enabled, methods_of
from accounts.services.one_time import challenges
from accounts.states import ChallengePurpose, Method
from foodfleet.core.http.clients import Client

__all__ = ["ChallengeIssued", "backup_codes_left", "challenge_for", "is_enabled", "methods_of"]


@dataclass(frozen=True)
class ChallengeIssued:
    """The password was right, and the second factor is asked for.

    passkey_options: what the browser's passkey call is given, where the user has one. expires_in: seconds.
    """

    user: User
    challenge: str = field(repr=False)
    methods: tuple[Method, ...]
    expires_in: int
    passkey_options: dict[str, Any] | None = field(default=None, repr=False)


def challenge_for(user: User, client: Client) -> ChallengeIssued | None:
    """The question for the second factor; None where none is on, or this browser skips it.

    Call it when the password was right, outside of a transaction. Raises InvalidCredentialsException where it was
    replaced, or the account shut, since `user` was read.
    """
    resets.carry_out_due(user=user, client=client)
    methods = methods_of(user)
    if not methods or trusted_browsers.is_trusted(user=user, client=client):
        return None
    with transaction.atomic():
        # Whoever replaces the password waits for this row and then voids our challenge, or was faster and we find it.
        if not User.objects.unchanged(user).select_for_update().exists():
            raise InvalidCredentialsException
        issued = challenges.issue(ChallengePurpose.SIGN_IN, user=user, client=client)
    options = None
    if Method.PASSKEY in methods:
        options = passkey_verification.options(issued.token, user=user, alone=False)
    return ChallengeIssued(user, issued.token, methods, issued.expires_in, options)

"""Issue the challenge for the second step of a sign-in, after the correct password."""

from dataclasses import dataclass, field
from typing import Any

from django.db import transaction

from accounts.exceptions import InvalidCredentialsException
from accounts.models import User
from accounts.services.mfa import methods, passkey_verification, resets, trusted_browsers
from accounts.services.one_time import challenges
from accounts.states import ChallengePurpose, Method
from foodfleet.core.http.clients import Client


@dataclass(frozen=True)
class ChallengeIssued:
    """The challenge of the second step, which follows the correct password.

    passkey_options: for the browser's passkey call, if the user has a passkey. expires_in: seconds.
    """

    user: User
    challenge: str = field(repr=False)
    methods: tuple[Method, ...]
    expires_in: int
    passkey_options: dict[str, Any] | None = field(default=None, repr=False)


def issue_if_required(user: User, client: Client) -> ChallengeIssued | None:
    """Issue the challenge of the second step; return None if MFA is disabled or this browser is trusted.

    Call it after the correct password, outside of a transaction. Raises InvalidCredentialsException if the password was
    changed or the account locked since `user` was read.
    """
    resets.perform_due(user=user, client=client)
    available = methods.methods_of(user)
    if not available or trusted_browsers.is_trusted(user=user, client=client):
        return None
    with transaction.atomic():
        # A concurrent password change either waits for this row and then revokes the challenge, or is noticed here.
        if not User.objects.unchanged(user).select_for_update().exists():
            raise InvalidCredentialsException
        issued = challenges.issue(ChallengePurpose.SIGN_IN, user=user, client=client)
    options = None
    if Method.PASSKEY in available:
        options = passkey_verification.options(issued.token, user=user, user_verification=False)
    return ChallengeIssued(user, issued.token, available, issued.expires_in, options)

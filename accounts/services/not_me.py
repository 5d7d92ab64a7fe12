"""Links in mails about security: "That wasn't me"."""

from django.db import transaction

from accounts import signals
from accounts.models import User
from accounts.services import one_time_tokens, passwords, security_events, sessions
from accounts.states import EndReason, EventKind, TokenPurpose
from foodfleet.core.clients import Client


def issue(user: User) -> str:
    """The token of a link for one mail about security to `user`'s present address."""
    return one_time_tokens.issue(user, TokenPurpose.NOT_ME, data={"email": user.email})


def owner_of(token: str) -> User:
    """Whose link this is; not spent by looking. Raises InvalidTokenException."""
    return one_time_tokens.find(token, TokenPurpose.NOT_ME).user


def report(*, token: str, client: Client) -> None:
    """End all sessions, stop the password from working and mail a link to choose another.

    Serves once, and makes the links of earlier mails useless. Raises InvalidTokenException.
    """
    with transaction.atomic():
        proof = one_time_tokens.find(token, TokenPurpose.NOT_ME)
        one_time_tokens.spend(proof)
        user = proof.user
        one_time_tokens.revoke(user, TokenPurpose.NOT_ME)
        passwords.disable(user)
        sessions.end_all(user, reason=EndReason.NOT_ME)
        reset_token = one_time_tokens.issue(user, TokenPurpose.RESET_PASSWORD)
        security_events.record(kind=EventKind.NOT_ME, user=user, client=client)
        signals.not_me_reported.send(sender=User, user=user, reset_token=reset_token, client=client)

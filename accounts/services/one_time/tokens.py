"""One-time tokens of links in e-mails: issue, find, consume, revoke."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from django.utils import timezone

from accounts.exceptions import InvalidTokenException
from accounts.models import OneTimeToken, User
from accounts.states import TokenPurpose
from foodfleet.core import crypto
from foodfleet.core.http.clients import Client

FRONTEND = "frontend"  # key in the data of a token

LIFETIMES = {
    TokenPurpose.VERIFY_EMAIL: timedelta(days=3),
    TokenPurpose.RESET_PASSWORD: timedelta(minutes=15),
    TokenPurpose.INVITATION: timedelta(days=7),
    TokenPurpose.CHANGE_EMAIL: timedelta(hours=24),
    TokenPurpose.UNDO_EMAIL: timedelta(hours=72),
    TokenPurpose.COMPROMISE_REPORTED: timedelta(days=7),
}


def issue(
    user: User, purpose: TokenPurpose, *, data: dict[str, Any] | None = None, client: Client | None = None
) -> str:
    """Create a token of `purpose` for `user` and return it; only its digest is stored.

    client: its front end is stored, so that e-mails sent when the token is used link to the same one
    (`client_of_link`).
    """
    token = crypto.new_token()
    expires_at = timezone.now() + LIFETIMES[purpose]
    stored = {**(data or {}), **({FRONTEND: client.frontend} if client and client.frontend else {})}
    OneTimeToken.objects.create(
        user=user, purpose=purpose, digest=crypto.digest(token), data=stored, expires_at=expires_at
    )
    return token


def issue_many(users: Sequence[User], purpose: TokenPurpose) -> list[str]:
    """Create a token of `purpose` for each of many users, in one query."""
    tokens = [crypto.new_token() for _user in users]
    expires_at = timezone.now() + LIFETIMES[purpose]
    OneTimeToken.objects.bulk_create(
        OneTimeToken(user=user, purpose=purpose, digest=crypto.digest(token), expires_at=expires_at)
        for user, token in zip(users, tokens, strict=True)
    )
    return tokens


def find(token: str, *purposes: TokenPurpose) -> OneTimeToken:
    """Return the live token of one of `purposes` without consuming it. Raises InvalidTokenException."""
    found = OneTimeToken.objects.usable(crypto.digest(token), purposes, timezone.now()).first()
    if found is None:
        raise InvalidTokenException
    return found


def consume(token: OneTimeToken) -> None:
    """Consume the token. Raises InvalidTokenException if another request was faster. Call it in a transaction.

    It locks the row of the user first, as all code does that changes several tokens of one user: otherwise two requests
    with different tokens of a user could deadlock.
    """
    User.objects.get_for_update(token.user_id)
    if not OneTimeToken.objects.consume(token.pk, timezone.now()):
        raise InvalidTokenException


def revoke(user: User, purpose: TokenPurpose) -> None:
    """Revoke the user's tokens of `purpose`."""
    OneTimeToken.objects.of(user, purpose).revoke(timezone.now())


def client_of_link(token: OneTimeToken, client: Client) -> Client:
    """Return `client` with the front end that the token was requested from."""
    return replace(client, frontend=token.data.get(FRONTEND, client.frontend))


def issue_report_token(user: User) -> str:
    """Issue a token to report a compromise, for a security e-mail to the user's current address."""
    return issue(user, TokenPurpose.COMPROMISE_REPORTED, data={"email": user.email})


def report_token_owner(token: str) -> User:
    """Return the user of a report token without consuming it. Raises InvalidTokenException."""
    return find(token, TokenPurpose.COMPROMISE_REPORTED).user

"""Compromise reports: the "That wasn't me" link of security e-mails."""

from django.db import transaction
from django.utils import timezone

from accounts import signals
from accounts.exceptions import InvalidTokenException
from accounts.models import OneTimeToken, User
from accounts.services import audit
from accounts.services.account import email, own_deletion
from accounts.services.one_time import tokens
from accounts.services.passwords import passwords
from accounts.services.sessions import sessions
from accounts.states import EndReason, EventKind, TokenPurpose
from foodfleet.core.http.clients import Client


def report(*, token: str, client: Client) -> None:
    """End all sessions, disable the password and mail a link to choose another.

    Consumes the token and revokes those of other e-mails. If the link was sent to a former address and the change can
    still be undone, that address is restored first: otherwise the password link would go to the person who made the
    change. Raises InvalidTokenException.
    """
    with transaction.atomic():
        found = tokens.find(token, TokenPurpose.COMPROMISE_REPORTED)
        tokens.consume(found)
        client = tokens.client_of_link(found, client)
        user: User = User.objects.get_for_update(found.user_id)
        if user.deleted_at is not None:
            raise InvalidTokenException
        _restore_address(user, found, client)
        own_deletion.withdraw(user, client)
        tokens.revoke(user, TokenPurpose.COMPROMISE_REPORTED)
        passwords.disable(user)
        sessions.end_all(user, reason=EndReason.COMPROMISE_REPORTED)
        reset_token = tokens.issue(user, TokenPurpose.RESET_PASSWORD)
        audit.record(kind=EventKind.COMPROMISE_REPORTED, user=user, client=client)
        signals.compromise_reported.send(sender=User, user=user, reset_token=reset_token, client=client)


def _restore_address(user: User, found: OneTimeToken, client: Client) -> None:
    if found.data["email"] == user.email:
        return
    for undo in OneTimeToken.objects.of(user, TokenPurpose.UNDO_EMAIL).live(timezone.now()):
        if undo.data["old_email"] == found.data["email"]:
            tokens.consume(undo)
            email.restore(user, undo, client)
            return

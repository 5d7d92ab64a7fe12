"""An owner says of a mail about security: that wasn't me."""

from django.db import transaction
from django.utils import timezone

from accounts import signals
from accounts.exceptions import InvalidTokenException
from accounts.models import OneTimeToken, User
from accounts.services import audit
from accounts.services.account import addresses
from accounts.services.one_time import tokens
from accounts.services.passwords import passwords
from accounts.services.sessions import sessions
from accounts.states import EndReason, EventKind, TokenPurpose
from foodfleet.core.http.clients import Client


def secure(*, token: str, client: Client) -> None:
    """End all sessions, stop the password from working and mail a link to choose another.

    Serves once, and makes the links of earlier mails useless. A link that went to an address which the account had
    before also brings that address back, while a change can be undone: else the way back in would be mailed to whoever
    made the change. Raises InvalidTokenException.
    """
    with transaction.atomic():
        proof = tokens.find(token, TokenPurpose.COMPROMISE_REPORTED)
        tokens.consume(proof)
        user: User = User.objects.get_for_update(proof.user_id)
        if user.deleted_at is not None:
            raise InvalidTokenException
        _take_back_address(user, proof, client)
        tokens.revoke(user, TokenPurpose.COMPROMISE_REPORTED)
        passwords.disable(user)
        sessions.end_all(user, reason=EndReason.COMPROMISE_REPORTED)
        reset_token = tokens.issue(user, TokenPurpose.RESET_PASSWORD)
        audit.record(kind=EventKind.COMPROMISE_REPORTED, user=user, client=client)
        signals.compromise_reported.send(sender=User, user=user, reset_token=reset_token, client=client)


def _take_back_address(user: User, proof: OneTimeToken, client: Client) -> None:
    if proof.data["email"] == user.email:
        return
    for undo in OneTimeToken.objects.of(user, TokenPurpose.UNDO_EMAIL).live(timezone.now()):
        if undo.data["old_email"] == proof.data["email"]:
            tokens.consume(undo)
            addresses.restore(user, undo, client)
            return

"""Which e-mail address an account has: moved to another that is proven, and back.

Whoever holds a link to undo proved that they read the account's mail before the change, so it always leads back to
that address: over later changes too, and over an account that somebody registered there meanwhile without proof.
"""

from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.exceptions import UserAlreadyExistsException
from accounts.models import OneTimeToken, User
from accounts.services import audit
from accounts.services.account import deletion
from accounts.services.limits import lockout
from accounts.services.one_time import tokens
from accounts.services.sessions import sessions
from accounts.states import EndReason, EventKind, TokenPurpose
from foodfleet.core.http.clients import Client

# Mailed to the former address, so they open nothing once it is no longer the account's.
SENT_TO_FORMER = (TokenPurpose.VERIFY_EMAIL, TokenPurpose.RESET_PASSWORD, TokenPurpose.INVITATION)


def restore(user: User, proof: OneTimeToken, client: Client) -> None:
    """Bring the former address of an undo link back, void what came after it, end every session."""
    tokens.revoke(user, TokenPurpose.CHANGE_EMAIL)
    OneTimeToken.objects.of(user, TokenPurpose.UNDO_EMAIL).made_after(proof).revoke(timezone.now())
    if user.email != proof.data["old_email"]:
        move(user, proof.data["old_email"], client)
    sessions.end_all(user, reason=EndReason.EMAIL_CHANGED)
    audit.record(kind=EventKind.EMAIL_CHANGE_UNDONE, user=user, client=client)


def move(user: User, email: str, client: Client) -> None:
    """Give the user this proven address; an account there that nobody proved makes room."""
    squatter = User.objects.with_email(email).exclude(pk=user.pk).unclaimed().first()
    if squatter is not None:
        deletion.erase(squatter, actor=None, client=client)
    lockout.forget(user.email)
    user.email = email
    user.email_verified_at = timezone.now()
    try:
        with transaction.atomic():
            user.save(update_fields=["email", "email_verified_at"])
    except IntegrityError:
        raise UserAlreadyExistsException.for_field("email", UserAlreadyExistsException.message) from None
    for purpose in SENT_TO_FORMER:
        tokens.revoke(user, purpose)

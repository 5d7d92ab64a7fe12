"""Another e-mail address: confirmed from the new one, told to the old one, which can undo it for 72 hours."""

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts import signals
from accounts.exceptions import InvalidTokenException, UserAlreadyExistsException
from accounts.models import OneTimeToken, User
from accounts.services import audit
from accounts.services.account import addresses
from accounts.services.one_time import tokens
from accounts.states import EventKind, TokenPurpose
from foodfleet.core.email_addresses import normalize_email
from foodfleet.core.exceptions import ValidationException
from foodfleet.core.http.clients import Client
from foodfleet.core.mailbox_limits import may_mail
from rbac.services import actors


def request(*, user: User, new_email: str, client: Client) -> None:
    """Mail a link to the new address, and word of it to the present one.

    A taken address gets no link, nor one that was mailed too often; nothing tells so, unless
    ACCOUNTS_PREVENT_ENUMERATION is off: then UserAlreadyExistsException for a taken one. Raises ValidationException
    for the address that the user has.
    """
    email = normalize_email(new_email)
    if email == user.email:
        raise ValidationException.for_field("email", _("This is your address already."), "unchanged")
    taken = User.objects.with_email(email).claimed().exists()
    if taken and not settings.ACCOUNTS_PREVENT_ENUMERATION:
        raise UserAlreadyExistsException.for_field("email", UserAlreadyExistsException.message)
    is_mailed = may_mail(email) and not taken
    change = {"old_email": user.email, "new_email": email}
    with transaction.atomic():
        actors.lock_actor(user)
        tokens.revoke(user, TokenPurpose.CHANGE_EMAIL)
        confirm = tokens.issue(user, TokenPurpose.CHANGE_EMAIL, data=change) if is_mailed else ""
        audit.record(kind=EventKind.EMAIL_CHANGE_REQUESTED, user=user, client=client)
        signals.email_change_requested.send(
            sender=User,
            user=user,
            new_email=email,
            confirm_token=confirm,
            undo_token=tokens.issue(user, TokenPurpose.UNDO_EMAIL, data=change),
            report_token=tokens.issue_report_token(user),
            client=client,
        )


def pending(user: User) -> str:
    """The address that waits for its confirmation, '' where none does."""
    newest: OneTimeToken | None = OneTimeToken.objects.of(user, TokenPurpose.CHANGE_EMAIL).live(timezone.now()).last()
    return str(newest.data["new_email"]) if newest else ""


def cancel(*, user: User) -> None:
    """Let no link to a new address serve any more; the address of the user stays."""
    with transaction.atomic():
        actors.lock_actor(user)
        tokens.revoke(user, TokenPurpose.CHANGE_EMAIL)


def find(token: str) -> OneTimeToken:
    """The link to a new address, with `data` and user; not spent by looking. Raises InvalidTokenException."""
    return tokens.find(token, TokenPurpose.CHANGE_EMAIL)


def find_undo(token: str) -> OneTimeToken:
    """The link back to a former address, with `data` and user; not spent by looking. Raises InvalidTokenException."""
    return tokens.find(token, TokenPurpose.UNDO_EMAIL)


def confirm(*, token: str, client: Client) -> User:
    """Take the link as proof of the new address, and use it from now on.

    Raises InvalidTokenException, or UserAlreadyExistsException where somebody proved the address meanwhile.
    """
    with transaction.atomic():
        proof = find(token)
        tokens.consume(proof)
        user: User = User.objects.get_for_update(proof.user_id)
        old_email = user.email
        if not user.is_active or old_email != proof.data["old_email"]:
            raise InvalidTokenException
        report_token = tokens.issue_report_token(user)
        addresses.move(user, proof.data["new_email"], client)
        undo = tokens.issue(user, TokenPurpose.UNDO_EMAIL, data=proof.data)
        audit.record(kind=EventKind.EMAIL_CHANGED, user=user, client=client)
        signals.email_changed.send(
            sender=User, user=user, old_email=old_email, undo_token=undo, report_token=report_token, client=client
        )
    return user


def undo(*, token: str, client: Client) -> User:
    """Go back to the address that the link was sent to, and end every session. Raises InvalidTokenException."""
    with transaction.atomic():
        proof = find_undo(token)
        tokens.consume(proof)
        user: User = User.objects.get_for_update(proof.user_id)
        if user.deleted_at is not None:
            raise InvalidTokenException
        addresses.restore(user, proof, client)
    return user

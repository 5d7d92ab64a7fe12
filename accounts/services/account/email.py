"""Changes of the e-mail address.

A link sent to the new address confirms the change. The former address gets a notice with a link that undoes it for 72
hours. An undo link always restores the address that it was sent to, even after later changes, and even if somebody
registered that address meanwhile without confirming it.
"""

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts import signals
from accounts.exceptions import InvalidTokenException, UserAlreadyExistsException
from accounts.models import OneTimeToken, User
from accounts.services import audit
from accounts.services.account import deletion, own_deletion, registration_rules
from accounts.services.limits import lockout
from accounts.services.one_time import tokens
from accounts.services.sessions import sessions
from accounts.states import EndReason, EventKind, TokenPurpose
from foodfleet.core.email_addresses import normalize_email
from foodfleet.core.exceptions import ValidationException
from foodfleet.core.http.clients import Client
from foodfleet.core.mailbox_limits import may_mail
from rbac.services import actors

# Tokens for these purposes were mailed to the former address, so a change of address revokes them.
SENT_TO_FORMER = (TokenPurpose.VERIFY_EMAIL, TokenPurpose.RESET_PASSWORD, TokenPurpose.INVITATION)


def request(*, user: User, new_email: str, client: Client) -> None:
    """Mail a link to the new address and a notice to the current one.

    A taken address and one that was mailed too often get no link, without any exception, so that the response does not
    reveal whether an account exists. With ACCOUNTS_PREVENT_ENUMERATION off, a taken address raises
    UserAlreadyExistsException. Raises ValidationException for the user's current address and for a domain that is not
    allowed.
    """
    email = normalize_email(new_email)
    if email == user.email:
        raise ValidationException.for_field("email", _("This is your address already."), "unchanged")
    registration_rules.ensure_domain_allowed(email)
    is_taken = User.objects.with_email(email).claimed().exists()
    if is_taken and not settings.ACCOUNTS_PREVENT_ENUMERATION:
        raise UserAlreadyExistsException.for_field("email", UserAlreadyExistsException.message)
    gets_link = may_mail(email) and not is_taken
    change = {"old_email": user.email, "new_email": email}
    with transaction.atomic():
        actors.lock_actor(user)
        tokens.revoke(user, TokenPurpose.CHANGE_EMAIL)
        confirm_token = tokens.issue(user, TokenPurpose.CHANGE_EMAIL, data=change, client=client) if gets_link else ""
        audit.record(kind=EventKind.EMAIL_CHANGE_REQUESTED, user=user, client=client)
        signals.email_change_requested.send(
            sender=User,
            user=user,
            new_email=email,
            confirm_token=confirm_token,
            undo_token=tokens.issue(user, TokenPurpose.UNDO_EMAIL, data=change, client=client),
            report_token=tokens.issue_report_token(user),
            client=client,
        )


def pending(user: User) -> str:
    """Return the requested address that is not confirmed yet; '' if there is none."""
    newest = OneTimeToken.objects.of(user, TokenPurpose.CHANGE_EMAIL).live(timezone.now()).last()
    return str(newest.data["new_email"]) if newest else ""


def cancel(*, user: User) -> None:
    """Revoke the links to a new address; the current address stays."""
    with transaction.atomic():
        actors.lock_actor(user)
        tokens.revoke(user, TokenPurpose.CHANGE_EMAIL)


def find(token: str) -> OneTimeToken:
    """Return the token of a change without consuming it. Raises InvalidTokenException."""
    return tokens.find(token, TokenPurpose.CHANGE_EMAIL)


def find_undo(token: str) -> OneTimeToken:
    """Return the token of an undo link without consuming it. Raises InvalidTokenException."""
    return tokens.find(token, TokenPurpose.UNDO_EMAIL)


def confirm(*, token: str, client: Client) -> User:
    """Consume the token and give the account its new address.

    Raises InvalidTokenException, or UserAlreadyExistsException if another account confirmed the address meanwhile.
    """
    with transaction.atomic():
        found = find(token)
        tokens.consume(found)
        client = tokens.client_of_link(found, client)
        user: User = User.objects.get_for_update(found.user_id)
        old_email = user.email
        if not user.is_active or old_email != found.data["old_email"]:
            raise InvalidTokenException
        report_token = tokens.issue_report_token(user)
        replace_address(user, found.data["new_email"], client)
        undo_token = tokens.issue(user, TokenPurpose.UNDO_EMAIL, data=found.data)
        audit.record(kind=EventKind.EMAIL_CHANGED, user=user, client=client)
        signals.email_changed.send(
            sender=User,
            user=user,
            old_email=old_email,
            undo_token=undo_token,
            report_token=report_token,
            client=client,
        )
    return user


def undo(*, token: str, client: Client) -> User:
    """Restore the address that the link was sent to and end every session. Raises InvalidTokenException."""
    with transaction.atomic():
        found = find_undo(token)
        tokens.consume(found)
        user: User = User.objects.get_for_update(found.user_id)
        if user.deleted_at is not None:
            raise InvalidTokenException
        restore(user, found, client)
    return user


def restore(user: User, undo_token: OneTimeToken, client: Client) -> None:
    """Restore the former address, revoke every later undo link and end every session. Call it in a transaction."""
    tokens.revoke(user, TokenPurpose.CHANGE_EMAIL)
    OneTimeToken.objects.of(user, TokenPurpose.UNDO_EMAIL).made_after(undo_token).revoke(timezone.now())
    if user.email != undo_token.data["old_email"]:
        replace_address(user, undo_token.data["old_email"], client)
    own_deletion.withdraw(user, client)
    sessions.end_all(user, reason=EndReason.EMAIL_CHANGED)
    audit.record(kind=EventKind.EMAIL_CHANGE_UNDONE, user=user, client=client)


def replace_address(user: User, email: str, client: Client) -> None:
    """Give the account another address, which counts as confirmed. An unclaimed account with that address is deleted.

    Call it in a transaction. Raises UserAlreadyExistsException.
    """
    unclaimed = User.objects.with_email(email).exclude(pk=user.pk).unclaimed().first()
    if unclaimed is not None:
        deletion.erase(unclaimed, actor=None, client=client)
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

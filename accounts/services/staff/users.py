"""Create, invite, lock and delete accounts as staff. actor: None for the system itself, as in commands."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from django.contrib.auth.hashers import make_password
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts import signals
from accounts.exceptions import UserAlreadyExistsException
from accounts.models import User
from accounts.services import audit
from accounts.services.account import attributes, deletion, registration
from accounts.services.limits import lockout
from accounts.services.one_time import tokens
from accounts.services.passwords import passwords
from accounts.services.staff import protections
from accounts.states import Audience, EventKind, TokenPurpose
from foodfleet.core.email_addresses import normalize_email
from foodfleet.core.exceptions import ConflictException
from foodfleet.core.http.clients import Client
from foodfleet.core.mailbox_limits import ensure_staff_may_mail
from rbac.exceptions import SuperusersOnlyException
from rbac.services import actors, decisions


@dataclass(frozen=True)
class NewAccount:
    """The values of a new account. Without a password the user is invited to choose one."""

    email: str
    password: str = field(default="", repr=False)
    first_name: str = ""
    last_name: str = ""
    phone: str = ""
    language: str = ""
    attributes: Mapping[str, Any] = field(default_factory=dict)
    must_change_password: bool = False
    is_staff: bool = False
    is_superuser: bool = False


def create(*, new: NewAccount, actor: User | None, client: Client) -> User:
    """Create a user. With a password the address counts as confirmed; without one an invitation is mailed.

    An unclaimed account with the address is deleted. Raises WeakPasswordException, InvalidAttributesException,
    UserAlreadyExistsException, SuperusersOnlyException for `is_staff` and `is_superuser`, and the exceptions of
    `actors.lock_actor`.
    """
    values: dict[str, Any] = {one.name: getattr(new, one.name) for one in fields(new) if one.name != "password"}
    values["attributes"] = attributes.merged({}, new.attributes, Audience.STAFF)
    user = User(**{**values, "email": normalize_email(new.email)})
    if new.password:
        passwords.ensure_strong(new.password, user)
        user.password = passwords.hash_password(new.password)
        user.email_verified_at = timezone.now()
    else:
        user.password = make_password(None)
    with transaction.atomic():
        current = actors.lock_actor(actor, "users:create")
        if (new.is_staff or new.is_superuser) and current is not None and not decisions.holds_everything(current):
            raise SuperusersOnlyException
        _insert(user, actor, client)
        audit.record(kind=EventKind.USER_CREATED, user=user, client=client, actor=actor)
        if not new.password:
            _invite(user, actor, client)
    return user


def _insert(user: User, actor: User | None, client: Client) -> None:
    unclaimed = User.objects.with_email(user.email).unclaimed().first()
    if unclaimed is not None:
        deletion.erase(unclaimed, actor=actor, client=client)
    try:
        with transaction.atomic():
            user.save(force_insert=True)
    except IntegrityError:
        raise UserAlreadyExistsException.for_field("email", UserAlreadyExistsException.message) from None


def invite(*, pk: int, actor: User | None, client: Client) -> User:
    """Mail another invitation to a user who has not accepted the first.

    Raises the exceptions of `invite_again` and `protections.lock_parties`.
    """
    with transaction.atomic():
        _actor, user = protections.lock_parties(actor, pk, "users:create")
        invite_again(user, actor, client)
    return user


def invite_again(user: User, actor: User | None, client: Client) -> None:
    """Mail another invitation without checking permissions. Call it in a transaction.

    Raises ConflictException for a user who was not invited, has accepted or is inactive, and ThrottledException if the
    address was mailed too often.
    """
    if user.invited_at is None:
        raise ConflictException(_("This user was not invited."))
    if user.is_email_verified:
        raise ConflictException(_("This user has already accepted their invitation."))
    if not user.is_active:
        raise ConflictException(_("This account is deactivated."))
    _invite(user, actor, client)


def _invite(user: User, actor: User | None, client: Client) -> None:
    ensure_staff_may_mail(user.email)
    tokens.revoke(user, TokenPurpose.INVITATION)
    user.invited_at = timezone.now()
    user.save(update_fields=["invited_at"])
    token = tokens.issue(user, TokenPurpose.INVITATION, client=client)
    audit.record(kind=EventKind.USER_INVITED, user=user, client=client, actor=actor)
    signals.user_invited.send(sender=User, user=user, actor=actor, invitation_token=token, client=client)


def resend_verification(*, pk: int, actor: User | None, client: Client) -> User:
    """Mail another link to confirm the address.

    Raises ConflictException if it is confirmed or the account deactivated, ThrottledException if the address was mailed
    too often, and the exceptions of `protections.lock_parties`.
    """
    with transaction.atomic():
        _actor, user = protections.lock_parties(actor, pk, "users:update")
        if user.is_email_verified or not user.is_active:
            raise ConflictException(_("This address is confirmed already, or the account is deactivated."))
        ensure_staff_may_mail(user.email)
        registration.mail_confirmation(user, client=client)
        audit.record(kind=EventKind.VERIFICATION_RESENT, user=user, client=client, actor=actor)
    return user


def lock(*, pk: int, actor: User | None, client: Client, reason: str = "") -> User:
    """Lock the account until staff unlock it. reason: recorded in the security event.

    Raises the exceptions of `protections.lock_parties_for_loss`.
    """
    with transaction.atomic():
        _actor, user = protections.lock_parties_for_loss(actor, pk, scoped="users:lock")
        lockout.lock(user=user, actor=actor, client=client, reason=reason)
    return user


def unlock(*, pk: int, actor: User | None, client: Client) -> User:
    """Unlock an account that staff or wrong passwords locked. Raises the exceptions of `protections.lock_parties`."""
    with transaction.atomic():
        _actor, user = protections.lock_parties(actor, pk, scoped="users:lock")
        lockout.unlock(user=user, actor=actor, client=client)
    return user


def delete(*, pk: int, actor: User | None, client: Client) -> None:
    """Delete an account with all personal data. Raises the exceptions of `protections.lock_parties_for_loss`."""
    with transaction.atomic():
        _actor, user = protections.lock_parties_for_loss(actor, pk, "users:delete")
        deletion.erase(user, actor=actor, client=client)

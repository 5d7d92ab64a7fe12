"""What staff do with accounts: make, invite, change, lock, delete. actor None is the system itself, as in commands."""

from dataclasses import dataclass, field, fields
from typing import Any

from django.contrib.auth.hashers import make_password
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts import signals
from accounts.exceptions import SuperusersOnlyException, UserAlreadyExistsException, UserNotFoundException
from accounts.models import User
from accounts.services import deletion, lockout, one_time_tokens, passwords, protections, security_events
from accounts.states import EventKind, TokenPurpose
from foodfleet.core.addresses import normalize_email
from foodfleet.core.clients import Client
from foodfleet.core.exceptions import ConflictException
from foodfleet.core.mailbox_limits import ensure_staff_may_mail

LARGEST_ID = 2**63 - 1  # what a path may say is longer than what a database keeps


@dataclass(frozen=True)
class NewAccount:
    """What staff say of a user whom they add. Without a password the user is invited to choose one."""

    email: str
    password: str = field(default="", repr=False)
    first_name: str = ""
    last_name: str = ""
    phone: str = ""
    language: str = ""
    must_change_password: bool = False
    is_staff: bool = False
    is_superuser: bool = False


def find(pk: int) -> User:
    """The user of this id. Raises UserNotFoundException."""
    user: User | None = User.objects.present().filter(pk=pk).first() if pk <= LARGEST_ID else None
    if user is None:
        raise UserNotFoundException
    return user


def create(*, new: NewAccount, actor: User | None, client: Client) -> User:
    """Add a user. With a password staff vouch for the address; without one an invitation goes there.

    Somebody's registration of the address that nobody ever confirmed makes room. Raises WeakPasswordException,
    UserAlreadyExistsException, or SuperusersOnlyException for the flags of staff.
    """
    if (new.is_staff or new.is_superuser) and actor is not None and not actor.is_superuser:
        raise SuperusersOnlyException
    values: dict[str, Any] = {one.name: getattr(new, one.name) for one in fields(new) if one.name != "password"}
    user = User(**{**values, "email": normalize_email(new.email)})
    if new.password:
        passwords.ensure_strong(new.password, user)
        user.password = passwords.hashed(new.password)
        user.email_verified_at = timezone.now()
    else:
        user.password = make_password(None)
    with transaction.atomic():
        _insert(user, actor, client)
        security_events.record(kind=EventKind.USER_CREATED, user=user, client=client, actor=actor)
        if not new.password:
            _invite(user, actor, client)
    return user


def _insert(user: User, actor: User | None, client: Client) -> None:
    squatter = User.objects.with_email(user.email).unproven().first()
    if squatter is not None:
        deletion.erase(squatter, actor=actor, client=client)
    try:
        with transaction.atomic():
            user.save(force_insert=True)
    except IntegrityError:
        raise UserAlreadyExistsException.for_field("email", UserAlreadyExistsException.message) from None


def invite(*, pk: int, actor: User | None, client: Client) -> User:
    """Mail another invitation to somebody who has not accepted the first. Raises ConflictException for anybody else.

    Raises ThrottledException where the address was mailed too often.
    """
    with transaction.atomic():
        user = find(pk)
        if user.invited_at is None:
            raise ConflictException(_("This user was not invited."))
        if user.is_email_verified:
            raise ConflictException(_("This user has already accepted their invitation."))
        if not user.is_active:
            raise ConflictException(_("This account is deactivated."))
        _invite(user, actor, client)
    return user


def _invite(user: User, actor: User | None, client: Client) -> None:
    ensure_staff_may_mail(user.email)
    one_time_tokens.revoke(user, TokenPurpose.INVITATION)
    user.invited_at = timezone.now()
    user.save(update_fields=["invited_at"])
    token = one_time_tokens.issue(user, TokenPurpose.INVITATION)
    security_events.record(kind=EventKind.USER_INVITED, user=user, client=client, actor=actor)
    signals.user_invited.send(sender=User, user=user, actor=actor, invitation_token=token, client=client)


def lock(*, pk: int, actor: User | None, client: Client) -> User:
    """Shut the account until staff open it. Raises as `protections.taken_for_loss`."""
    with transaction.atomic():
        find(pk)
        user = protections.taken_for_loss(actor, pk)
        lockout.lock(user=user, actor=actor, client=client)
    return user


def unlock(*, pk: int, actor: User | None, client: Client) -> User:
    """Open an account that staff or wrong passwords locked. Raises SuperusersOnlyException or UserNotFoundException."""
    with transaction.atomic():
        user = find(pk)
        protections.ensure_may_touch(actor, user)
        lockout.unlock(user=user, actor=actor, client=client)
    return user


def delete(*, pk: int, actor: User | None, client: Client) -> None:
    """Remove an account with all personal data. Raises as `protections.taken_for_loss`."""
    with transaction.atomic():
        find(pk)
        user = protections.taken_for_loss(actor, pk)
        deletion.erase(user, actor=actor, client=client)

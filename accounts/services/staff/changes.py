"""Changes of accounts by staff."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from django.db import transaction

from accounts import signals
from accounts.exceptions import OwnAccountException, ServiceAccountException
from accounts.models import User
from accounts.services import audit
from accounts.services.account import attributes
from accounts.services.account import email as email_service
from accounts.services.account import phone as phone_service
from accounts.services.one_time import tokens
from accounts.services.sessions import sessions
from accounts.services.staff import protections, users
from accounts.states import Audience, EndReason, EventKind, TokenPurpose
from foodfleet.core.email_addresses import normalize_email
from foodfleet.core.exceptions import ConflictException
from foodfleet.core.http.clients import Client
from foodfleet.core.mailbox_limits import ensure_staff_may_mail
from rbac.exceptions import SuperusersOnlyException
from rbac.services import decisions


@dataclass(frozen=True)
class UserChanges:
    """New values; None leaves a field as it is. attributes: only those to change; None as a value removes one."""

    email: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    phone: str | None = None
    language: str | None = None
    attributes: Mapping[str, Any] | None = None
    must_change_password: bool | None = None
    is_active: bool | None = None
    is_staff: bool | None = None
    is_superuser: bool | None = None

    def different_from(self, user: User) -> dict[str, Any]:
        """Return the values that differ from those of `user`. Raises InvalidAttributesException."""
        given = {one.name: getattr(self, one.name) for one in fields(self)}
        if self.email is not None:
            given["email"] = normalize_email(self.email)
        if self.attributes is not None:
            given["attributes"] = attributes.merged(user.attributes, self.attributes, Audience.STAFF)
        return {name: value for name, value in given.items() if value is not None and value != getattr(user, name)}


STAFF_FLAGS = frozenset({"is_staff", "is_superuser"})
POWERS = ("is_active", "is_staff", "is_superuser")  # to remove one of them needs `lock_parties_for_loss`


def update(*, pk: int, changes: UserChanges, actor: User | None, client: Client) -> User:
    """Change an account. Only superusers may change STAFF_FLAGS. A new address gets an e-mail to confirm it.

    Raises SuperusersOnlyException for the flags, UserAlreadyExistsException, InvalidAttributesException,
    ServiceAccountException, ConflictException for a concurrent change, and the exceptions of
    `protections.lock_parties_for_loss`.
    """
    with transaction.atomic():
        requested = changes.different_from(protections.find(pk))
        removes_power = any(requested.get(power) is False for power in POWERS)
        lock = protections.lock_parties_for_loss if removes_power else protections.lock_parties
        current, user = lock(actor, pk, scoped="users:update")
        different = changes.different_from(user)
        if not removes_power and any(different.get(power) is False for power in POWERS):
            raise ConflictException  # the power was granted meanwhile, and the rows of superusers are not locked
        _ensure_may_change(current, user, different)
        email = different.pop("email", None)
        if different:
            _apply(user, different, actor, client)
        if email is not None:
            _change_email(user, email, actor, client)
    return user


def _ensure_may_change(actor: User | None, user: User, different: dict[str, Any]) -> None:
    if user.is_service_account and different.keys() - {"is_active"}:
        raise ServiceAccountException
    if STAFF_FLAGS & different.keys() and actor is not None and not decisions.holds_everything(actor):
        raise SuperusersOnlyException
    if "email" in different and actor is not None and actor.pk == user.pk:
        raise OwnAccountException  # `account.email` is for that: it verifies the new address first


def _apply(user: User, different: dict[str, Any], actor: User | None, client: Client) -> None:
    replaces_phone = "phone" in different and user.phone != "" and user.phone_verified_at is not None
    for name, value in different.items():
        setattr(user, name, value)
    saved = list(different)
    if "phone" in different:
        user.phone_verified_at = None
        saved.append("phone_verified_at")
    user.save(update_fields=saved)
    kind = EventKind.USER_UPDATED
    if "is_active" in different:
        kind = EventKind.USER_ACTIVATED if user.is_active else EventKind.USER_DEACTIVATED
    audit.record(kind=kind, user=user, client=client, actor=actor, details={"fields": sorted(different)})
    if replaces_phone:
        phone_service.announce_change(user, client)
    if not user.is_active:
        sessions.end_all(user, reason=EndReason.DEACTIVATED)


def _change_email(user: User, email: str, actor: User | None, client: Client) -> None:
    """Set an unverified address and mail a link to verify it. A verified former address gets a link to undo it."""
    was_verified, old_email, report_token = user.is_email_verified, user.email, tokens.issue_report_token(user)
    email_service.replace_address(user, email, client)
    user.email_verified_at = None
    user.save(update_fields=["email_verified_at"])
    details = {"fields": ["email"]}
    audit.record(kind=EventKind.EMAIL_CHANGED, user=user, client=client, actor=actor, details=details)
    if not was_verified and user.invited_at is not None:
        users.invite_again(user, actor, client)
        return
    ensure_staff_may_mail(email)
    token = tokens.issue(user, TokenPurpose.VERIFY_EMAIL, client=client)
    signals.verification_requested.send(sender=User, user=user, verification_token=token, client=client)
    if was_verified:
        change = {"old_email": old_email, "new_email": email}
        undo = tokens.issue(user, TokenPurpose.UNDO_EMAIL, data=change, client=client)
        signals.email_changed.send(
            sender=User, user=user, old_email=old_email, undo_token=undo, report_token=report_token, client=client
        )

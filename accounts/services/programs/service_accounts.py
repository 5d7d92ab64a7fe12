"""Service accounts, which staff create, change and delete. Roles are assigned to them as to people."""

from dataclasses import dataclass, fields
from secrets import token_hex
from typing import Any

from django.contrib.auth.hashers import make_password
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from accounts.exceptions import ServiceAccountNotFoundException
from accounts.models import ServiceAccount, User
from accounts.models.programs import ServiceAccountQuerySet
from accounts.services import audit
from accounts.services.account import deletion
from accounts.services.staff import protections
from accounts.states import EventKind
from foodfleet.core.exceptions import ValidationException
from foodfleet.core.http.clients import Client
from rbac.services import actors

ADDRESS = "service-{}@service.invalid"  # RFC 2606 reserves `.invalid`, so nobody can own the address


@dataclass(frozen=True)
class NewServiceAccount:
    """The values of a new service account. owner: the id of a user; None for the actor."""

    name: str
    description: str = ""
    owner: int | None = None


@dataclass(frozen=True)
class ServiceAccountChanges:
    """New values; None leaves a field as it is."""

    name: str | None = None
    description: str | None = None
    owner: int | None = None
    is_active: bool | None = None


def present() -> ServiceAccountQuerySet:
    """Return all service accounts that are not deleted, with their last use."""
    return ServiceAccount.objects.present().with_last_use()


def find(pk: int) -> ServiceAccount:
    """Return the service account with this id. Raises ServiceAccountNotFoundException."""
    # By `user__id`, because a filter by `pk` fails for ids that are too large for the column.
    found = present().filter(user__id=pk).first()
    if found is None:
        raise ServiceAccountNotFoundException
    return found


def create(*, new: NewServiceAccount, actor: User | None, client: Client) -> ServiceAccount:
    """Create a service account without roles and keys.

    Raises ValidationException for an unknown owner, and the exceptions of `actors.lock_actor`.
    """
    with transaction.atomic():
        current = actors.lock_actor(actor, "service_accounts:create")
        user = User(
            email=ADDRESS.format(token_hex(8)),
            password=make_password(None),
            first_name=new.name,
            is_service_account=True,
        )
        user.save(force_insert=True)
        owner = _person(new.owner) if new.owner is not None else current
        if owner is not None and owner.is_service_account:
            owner = None
        account = ServiceAccount(user=user, description=new.description, owner=owner)
        account.save(force_insert=True)
        audit.record(kind=EventKind.SERVICE_ACCOUNT_CREATED, user=user, client=client, actor=actor)
    return account


def change(*, pk: int, changes: ServiceAccountChanges, actor: User | None, client: Client) -> ServiceAccount:
    """Change a service account. The keys of an inactive one are rejected from the next request on.

    Raises ServiceAccountNotFoundException, ValidationException for an unknown owner, and the exceptions of
    `protections.lock_parties_for_loss`.
    """
    find(pk)
    lock = protections.lock_parties_for_loss if changes.is_active is False else protections.lock_parties
    with transaction.atomic():
        _actor, user = lock(actor, pk, "service_accounts:update")
        account = ServiceAccount.objects.select_related("user").get(pk=pk)
        different = _differences(account, changes)
        if different:
            _apply(account, user, different)
            kind = EventKind.SERVICE_ACCOUNT_UPDATED
            if "is_active" in different:
                kind = EventKind.USER_ACTIVATED if user.is_active else EventKind.USER_DEACTIVATED
            audit.record(kind=kind, user=user, client=client, actor=actor, details={"fields": sorted(different)})
    return find(pk)


def delete(*, pk: int, actor: User | None, client: Client) -> None:
    """Delete a service account with its keys.

    Raises ServiceAccountNotFoundException and the exceptions of `protections.lock_parties_for_loss`.
    """
    find(pk)
    with transaction.atomic():
        _actor, user = protections.lock_parties_for_loss(actor, pk, "service_accounts:delete")
        deletion.erase(user, actor=actor, client=client)


def _differences(account: ServiceAccount, changes: ServiceAccountChanges) -> dict[str, Any]:
    current = {
        "name": account.name,
        "description": account.description,
        "owner": account.owner_id,
        "is_active": account.is_active,
    }
    given = {one.name: getattr(changes, one.name) for one in fields(changes)}
    return {name: value for name, value in given.items() if value is not None and value != current[name]}


def _apply(account: ServiceAccount, user: User, different: dict[str, Any]) -> None:
    user.first_name = different.get("name", user.first_name)
    user.is_active = different.get("is_active", user.is_active)
    if different.keys() & {"name", "is_active"}:
        user.save(update_fields=["first_name", "is_active"])
    if different.keys() & {"description", "owner"}:
        account.description = different.get("description", account.description)
        account.owner = _person(different["owner"]) if "owner" in different else account.owner
        account.save(update_fields=["description", "owner"])


def _person(pk: int) -> User:
    found: User | None = User.objects.present().filter(pk=pk, is_service_account=False).first()
    if found is None:
        raise ValidationException.for_field("owner", _("There is no such user."), "does_not_exist")
    return found

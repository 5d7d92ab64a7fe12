"""Create, list and revoke API keys. A key is shown once and can be limited to permissions, networks and a time."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from secrets import token_hex
from string import ascii_letters, digits
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.crypto import get_random_string
from django.utils.translation import gettext_lazy as _

from accounts.exceptions import ApiKeyNotFoundException, PersonalKeysOffException, TooManyKeysException
from accounts.models import ApiKey, User
from accounts.models.programs import ApiKeyQuerySet
from accounts.models.users import cache_key
from accounts.services import audit
from accounts.services.programs import service_accounts
from accounts.services.staff import protections
from accounts.states import EventKind
from foodfleet.core import crypto
from foodfleet.core.cache import coherent
from foodfleet.core.exceptions import ValidationException
from foodfleet.core.http import ip_addresses
from foodfleet.core.http.clients import Client
from rbac.services import actors, decisions, limits

SCHEME = "ffk_"  # a fixed prefix, by which secret scanners recognise a key
PREFIX_BYTES = 6
SECRET_LENGTH = 43  # of 62 characters: 256 bits
MAX_KEYS = 50  # live ones of an account
MAX_NETWORKS = 20  # of a key
PERMISSION = "service_accounts:update"


@dataclass(frozen=True)
class NewKey:
    """The values of a new key. permissions: None for all of the account's. allowed_networks: () for any network."""

    name: str
    expires_at: datetime | None = None
    permissions: tuple[str, ...] | None = None
    allowed_networks: tuple[str, ...] = ()


@dataclass(frozen=True)
class CreatedKey:
    """A new key. key: the whole key, of which only the digest is stored."""

    row: ApiKey
    key: str = field(repr=False)


def of_service_account(pk: int) -> ApiKeyQuerySet:
    """Return the unrevoked keys of a service account. Raises ServiceAccountNotFoundException."""
    return of_user(service_accounts.find(pk).user)


def of_user(user: User) -> ApiKeyQuerySet:
    """Return the unrevoked keys of a user."""
    found: ApiKeyQuerySet = ApiKey.objects.of(user.pk).unrevoked()
    return found


def create_for_service_account(*, pk: int, new: NewKey, actor: User | None, client: Client) -> CreatedKey:
    """Create a key of a service account.

    Raises ServiceAccountNotFoundException, ValidationException, TooManyKeysException, and the exceptions of
    `protections.lock_parties`, such as for an account with more permissions than the actor.
    """
    service_accounts.find(pk)
    with transaction.atomic():
        current, user = protections.lock_parties(actor, pk, PERMISSION)
        return _create(user, new, current, client)


def create_own(*, user: User, new: NewKey, client: Client) -> CreatedKey:
    """Create a personal key, if PERSONAL_API_KEYS allows it.

    Raises PersonalKeysOffException, ValidationException, TooManyKeysException, and the exceptions of
    `actors.lock_actor`.
    """
    if not settings.PERSONAL_API_KEYS:
        raise PersonalKeysOffException
    with transaction.atomic():
        current: User = actors.lock_actor(user)
        return _create(current, new, current, client)


def revoke_of_service_account(*, pk: int, key_id: UUID, actor: User | None, client: Client) -> None:
    """Revoke a key of a service account; it is rejected from the next request on.

    Raises ServiceAccountNotFoundException, ApiKeyNotFoundException, and the exceptions of `protections.lock_parties`.
    """
    service_accounts.find(pk)
    revoke_for(user_id=pk, key_id=key_id, actor=actor, client=client)


def revoke_for(*, user_id: int, key_id: UUID, actor: User | None, client: Client) -> None:
    """Revoke a key of a service account or a person.

    Raises ApiKeyNotFoundException and the exceptions of `protections.lock_parties`.
    """
    with transaction.atomic():
        _actor, user = protections.lock_parties(actor, user_id, PERMISSION)
        _revoke(user, _lock(user, key_id), actor, client)


def revoke_own(*, user: User, key_id: UUID, client: Client) -> None:
    """Revoke one of the user's own keys. Raises ApiKeyNotFoundException."""
    with transaction.atomic():
        _revoke(user, _lock(user, key_id), None, client)


def revoke_all(user: User, *, client: Client) -> None:
    """Revoke every key of the user."""
    with transaction.atomic():
        for key in ApiKey.objects.of(user.pk).unrevoked().select_for_update():
            _revoke(user, key, None, client)


def _create(user: User, new: NewKey, actor: User | None, client: Client) -> CreatedKey:
    now = timezone.now()
    if new.expires_at is not None and new.expires_at <= now:
        raise ValidationException.for_field("expires_at", _("Give a time in the future."), "in_the_past")
    if ApiKey.objects.of(user.pk).live(now).count() >= MAX_KEYS:
        raise TooManyKeysException
    created = _generate(user, new, actor, now)
    created.row.save(force_insert=True)
    audit.record(
        kind=EventKind.API_KEY_CREATED,
        user=user,
        client=client,
        actor=actor if actor is not None and actor.pk != user.pk else None,
        details=details_of(created.row),
        session_id=created.row.pk,
    )
    return created


def _generate(user: User, new: NewKey, actor: User | None, now: datetime) -> CreatedKey:
    """Validate permissions and networks, and return a random key with its unsaved row."""
    prefix = token_hex(PREFIX_BYTES)
    key = f"{SCHEME}{prefix}_{get_random_string(SECRET_LENGTH, ascii_letters + digits)}"
    row = ApiKey(
        user=user,
        name=new.name,
        prefix=prefix,
        digest=crypto.digest(key),
        permissions=_checked_permissions(user, new.permissions, actor),
        allowed_networks=_checked_networks(new.allowed_networks),
        created_at=now,
        created_by=actor,
        expires_at=new.expires_at,
    )
    return CreatedKey(row, key)


def _checked_permissions(user: User, codenames: Iterable[str] | None, actor: User | None) -> list[str] | None:
    access = decisions.access_of(user)
    held = access.everywhere.union(*access.in_scope.values())
    if decisions.holds_everything(user):
        held = access.roles.codenames
    if (
        actor is not None and actor.acting_permissions is not None
    ):  # a limited key cannot create a key with more permissions
        limits.ensure_within(actor.acting_permissions, held if codenames is None else codenames)
    if codenames is None:
        return None
    unknown = sorted(set(codenames) - held)
    if unknown:
        message = _("This account does not have the permission %(permission)s.") % {"permission": unknown[0]}
        raise ValidationException.for_field("permissions", message, "not_held")
    return sorted(set(codenames))


def _checked_networks(networks: Iterable[str]) -> list[str]:
    try:
        return [str(ip_addresses.network(text)) for text in networks]
    except ValueError:
        message = _("Give IP addresses or networks, such as 192.0.2.0/24 or 2001:db8::/32.")
        raise ValidationException.for_field("allowed_networks", message, "invalid") from None


def _lock(user: User, key_id: UUID) -> ApiKey:
    key: ApiKey | None = ApiKey.objects.of(user.pk).unrevoked().select_for_update().filter(pk=key_id).first()
    if key is None:
        raise ApiKeyNotFoundException
    return key


def _revoke(user: User, key: ApiKey, actor: User | None, client: Client) -> None:
    coherent.invalidate(cache_key(user.pk))
    if not ApiKey.objects.filter(pk=key.pk).revoke(timezone.now()):
        raise ApiKeyNotFoundException
    audit.record(
        kind=EventKind.API_KEY_REVOKED,
        user=user,
        client=client,
        actor=actor,
        details=details_of(key),
        session_id=key.pk,
    )


def details_of(key: ApiKey) -> dict[str, str]:
    """Return the details of a key for security events."""
    return {"prefix": key.prefix, "name": key.name}

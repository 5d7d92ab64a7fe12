"""Exports of users in the columns of `imports`, without hashes and secrets."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from accounts.models.users import UserQuerySet
from accounts.services import audit
from accounts.services.account import attributes
from accounts.services.staff.import_columns import ATTRIBUTES, ROLE_SEPARATOR, SCOPE_SEPARATOR
from accounts.states import Audience, EventKind
from foodfleet.core.http.clients import Client
from rbac.models import RoleAssignment, ScopeMembership
from rbac.services import actors

BATCH = 1000
TEXTS = ("email", "first_name", "last_name", "phone", "language")
FLAGS = ("email_verified", "phone_verified", "is_active", "must_change_password")
STAFF_COLUMNS = (*TEXTS, *FLAGS, "created_at", ATTRIBUTES)  # without roles and scopes, which need other permissions
COLUMNS = (*STAFF_COLUMNS[:-1], "roles", "scopes", ATTRIBUTES)


def rows() -> Iterator[list[str]]:
    """Yield the values of COLUMNS for each person who is not deleted, in the order of creation, in bounded memory.

    Service accounts are not exported, because their keys cannot be, and imports do not create such accounts.
    """
    for users in _batches(User.objects.present().people()):
        roles, scopes = _roles_of(users), _scopes_of(users)
        for user in users:
            joined = (ROLE_SEPARATOR.join(found.get(user.pk, [])) for found in (roles, scopes))
            yield [*_values(user), *joined, _as_json(user.attributes)]


def rows_for_staff(*, found: UserQuerySet, filters: Sequence[str], actor: User, client: Client) -> Iterator[list[str]]:
    """Return an iterator over the values of STAFF_COLUMNS for the people among these users.

    Attributes that are hidden from staff are left out. The export is recorded with the names of its filters. Raises
    UnauthorizedException.
    """
    with transaction.atomic():
        actors.ensure_still_may(actor)
        details = {"filters": sorted(filters)}
        audit.record(kind=EventKind.USERS_EXPORTED, user=None, actor=actor, client=client, details=details)
    people = (user for users in _batches(found.people()) for user in users)
    return ([*_values(user), _as_json(attributes.visible(user.attributes, Audience.STAFF))] for user in people)


def _batches(people: UserQuerySet) -> Iterator[list[User]]:
    last = 0
    while users := list(people.filter(pk__gt=last).order_by("pk")[:BATCH]):
        yield users
        last = users[-1].pk


def _roles_of(users: list[User]) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    live = RoleAssignment.objects.live(timezone.now()).filter(user__in=users, expires_at__isnull=True)
    for user_id, name, scope in live.order_by("pk").values_list("user", "role__name", "scope"):
        found.setdefault(user_id, []).append(f"{name}{SCOPE_SEPARATOR}{scope}" if scope else name)
    return found


def _scopes_of(users: list[User]) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    members: Any = ScopeMembership.objects.filter(user__in=users).order_by("pk")
    for user_id, scope in members.values_list("user", "scope"):
        found.setdefault(user_id, []).append(scope)
    return found


def _values(user: User) -> list[str]:
    flags = (user.is_email_verified, user.phone_verified_at is not None, user.is_active, user.must_change_password)
    return [
        *(getattr(user, name) for name in TEXTS),
        *("true" if flag else "false" for flag in flags),
        user.created_at.isoformat().replace("+00:00", "Z"),
    ]


def _as_json(values: dict[str, Any]) -> str:
    return json.dumps(values, ensure_ascii=False) if values else ""

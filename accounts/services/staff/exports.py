"""Exports of users: rows with the columns that `imports` takes, without hashes and secrets."""

import json
from collections.abc import Iterator
from typing import Any

from django.utils import timezone

from accounts.models import User
from accounts.services.staff.import_columns import ATTRIBUTES, ROLE_SEPARATOR, SCOPE_SEPARATOR
from rbac.models import RoleAssignment, ScopeMembership

BATCH = 1000
TEXTS = ("email", "first_name", "last_name", "phone", "language")
FLAGS = ("email_verified", "phone_verified", "is_active", "must_change_password")
COLUMNS = (*TEXTS, *FLAGS, "created_at", "roles", "scopes", ATTRIBUTES)


def rows() -> Iterator[list[str]]:
    """Yield the values of COLUMNS for each person who is not deleted, in the order of creation, in bounded memory.

    Service accounts are left out: their keys cannot be exported, and no import makes such an account.
    """
    last = 0
    while users := list(User.objects.present().people().filter(pk__gt=last).order_by("pk")[:BATCH]):
        roles, scopes = _roles_of(users), _scopes_of(users)
        yield from (_row(user, roles.get(user.pk, []), scopes.get(user.pk, [])) for user in users)
        last = users[-1].pk


def _roles_of(users: list[User]) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    held: Any = RoleAssignment.objects.live(timezone.now()).filter(user__in=users, expires_at__isnull=True)
    for user_id, name, scope in held.order_by("pk").values_list("user", "role__name", "scope"):
        found.setdefault(user_id, []).append(f"{name}{SCOPE_SEPARATOR}{scope}" if scope else name)
    return found


def _scopes_of(users: list[User]) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    members: Any = ScopeMembership.objects.filter(user__in=users).order_by("pk")
    for user_id, scope in members.values_list("user", "scope"):
        found.setdefault(user_id, []).append(scope)
    return found


def _row(user: User, roles: list[str], scopes: list[str]) -> list[str]:
    flags = (user.is_email_verified, user.phone_verified_at is not None, user.is_active, user.must_change_password)
    return [
        *(getattr(user, name) for name in TEXTS),
        *("true" if flag else "false" for flag in flags),
        user.created_at.isoformat(),
        ROLE_SEPARATOR.join(roles),
        ROLE_SEPARATOR.join(scopes),
        json.dumps(user.attributes, ensure_ascii=False) if user.attributes else "",
    ]

"""Users as holders of roles, and their status history: whether they were active and superusers."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth import get_user_model

from rbac.exceptions import HolderNotFoundException
from rbac.models import UserStatus
from rbac.services import graph


@dataclass(frozen=True)
class Status:
    """Whether a user is or was active and a superuser."""

    is_active: bool
    is_superuser: bool


def find(user_id: int) -> Any:
    """Return the user with this id. Raises HolderNotFoundException, also for a deleted user."""
    user = find_including_deleted(user_id)
    if is_deleted(user):
        raise HolderNotFoundException
    return user


def find_including_deleted(user_id: int) -> Any:
    """Return the user with this id, even if deleted, for the history. Raises HolderNotFoundException."""
    user = get_user_model()._default_manager.filter(pk=user_id).first()
    if user is None:
        raise HolderNotFoundException
    return user


def is_deleted(user: Any) -> bool:
    """Return whether the account is deleted; its row remains for the history."""
    return getattr(user, "deleted_at", None) is not None


def lock_existing(user: Any) -> None:
    """Lock the row of `user` until the end of the transaction. Call it before a role is assigned.

    Raises HolderNotFoundException for a deleted user, because nothing would end the assignment.
    """
    row = get_user_model()._default_manager.select_for_update().filter(pk=user.pk).first()
    if row is None or is_deleted(row):
        raise HolderNotFoundException


def status_at(user: Any, at: datetime | None) -> Status:
    """Return the status of `user` at `at`; None: now. Before the first record it is neither active nor superuser."""
    if at is None:
        return Status(user.is_active, user.is_superuser)
    recorded = UserStatus.objects.of(user).filter(since__lte=at).order_by("-since", "-pk").first()
    return (
        Status(is_active=False, is_superuser=False)
        if recorded is None
        else Status(recorded.is_active, recorded.is_superuser)
    )


def record_status(user: Any) -> None:
    """Record the status of `user` if it has changed."""
    last = UserStatus.objects.of(user).order_by("-since", "-pk").first()
    if last is None or (last.is_active, last.is_superuser) != (user.is_active, user.is_superuser):
        UserStatus.objects.create(user=user, is_active=user.is_active, is_superuser=user.is_superuser)


def record_new(users: Sequence[Any]) -> None:
    """Record the status of users whom `bulk_create` has created without signals."""
    UserStatus.objects.bulk_create(
        UserStatus(user=user, is_active=user.is_active, is_superuser=user.is_superuser) for user in users
    )


def role_names(role_ids: str | None, known: graph.Graph) -> list[str]:
    """Return the names of these roles in alphabetical order. role_ids: separated by commas, None for none."""
    if not role_ids:
        return []
    found = (known.roles.get(int(role_id)) for role_id in role_ids.split(","))
    return sorted({role.name for role in found if role})

"""The users that access speaks of, and what they were: superuser or not, active or not."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth import get_user_model

from rbac.exceptions import HolderNotFoundException
from rbac.models import Standing

LARGEST_ID = 2**63 - 1  # what a path may say is longer than what a database keeps


@dataclass(frozen=True)
class UserStanding:
    """Whether a user was, or is, active and a superuser."""

    is_active: bool
    is_superuser: bool


def find(user_id: int) -> Any:
    """The user of this id. Raises HolderNotFoundException, also for one who is deleted."""
    user = find_ever(user_id)
    if is_deleted(user):
        raise HolderNotFoundException
    return user


def find_ever(user_id: int) -> Any:
    """The user of this id, also one who is deleted: history knows them. Raises HolderNotFoundException."""
    user = get_user_model()._default_manager.filter(pk=user_id).first() if user_id <= LARGEST_ID else None
    if user is None:
        raise HolderNotFoundException
    return user


def is_deleted(user: Any) -> bool:
    """Whether the account is gone and its row stays for history alone."""
    return getattr(user, "deleted_at", None) is not None


def ensure_there(user: Any) -> None:
    """Hold the row of `user`, who is about to get something, until this transaction ends.

    Raises HolderNotFoundException for somebody who is deleted: what they got would never end.
    """
    row = get_user_model()._default_manager.select_for_update().filter(pk=user.pk).first()
    if row is None or is_deleted(row):
        raise HolderNotFoundException


def standing(user: Any, at: datetime | None) -> UserStanding:
    """What `user` was at that time; before the first note nobody was anything. None: what they are now."""
    if at is None:
        return UserStanding(user.is_active, user.is_superuser)
    noted = Standing.objects.of(user).filter(since__lte=at).order_by("-since", "-pk").first()
    return (
        UserStanding(is_active=False, is_superuser=False)
        if noted is None
        else UserStanding(noted.is_active, noted.is_superuser)
    )


def note(user: Any) -> None:
    """Keep what `user` is from now on, if it is something else than before."""
    last = Standing.objects.of(user).order_by("-since", "-pk").first()
    if last is None or (last.is_active, last.is_superuser) != (user.is_active, user.is_superuser):
        Standing.objects.create(user=user, is_active=user.is_active, is_superuser=user.is_superuser)


def note_new(users: Sequence[Any]) -> None:
    """Keep what these users are, who were made just now all at once, so that no signal told of them."""
    Standing.objects.bulk_create(
        Standing(user=user, is_active=user.is_active, is_superuser=user.is_superuser) for user in users
    )

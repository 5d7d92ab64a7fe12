"""The rows of the list of users, without model instances: building those takes longer than reading the rows."""

from datetime import datetime
from typing import Any, NamedTuple

from django.db.models import QuerySet

from accounts.models import User


class _Columns(NamedTuple):
    id: int
    email: str
    first_name: str
    last_name: str
    phone: str
    language: str
    email_verified_at: datetime | None
    phone_verified_at: datetime | None
    is_active: bool
    is_staff: bool
    is_superuser: bool
    is_service_account: bool
    locked_at: datetime | None
    must_change_password: bool
    created_at: datetime
    last_login: datetime | None
    invited_at: datetime | None
    deletion_due_at: datetime | None
    attributes: dict[str, Any]
    locked_until: datetime | None
    role_ids: str | None


class UserRow(_Columns):
    """A user with the attributes of `User` that the list shows."""

    __slots__ = ()

    is_email_verified = User.is_email_verified
    is_locked = User.is_locked

    @property
    def pk(self) -> int:
        """The user's id."""
        return self.id


def rows(now: datetime) -> QuerySet[User, tuple[Any, ...]]:
    """Return the values of `UserRow` of all users who are not deleted."""
    found: QuerySet[User, tuple[Any, ...]] = (
        User.objects.present().with_locks(now).with_role_ids(now).values_list(*UserRow._fields)
    )
    return found

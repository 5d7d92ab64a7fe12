"""What users say of themselves."""

from typing import Any

from django.db import transaction

from accounts.models import User
from rbac.services import actors

FIELDS = frozenset({"first_name", "last_name", "language"})


def change(*, user: User, **values: Any) -> User:
    """Replace those of names and language that are given; returns the user as they are then.

    Raises UnauthorizedException where the account or the session has been closed meanwhile.
    """
    assert values.keys() <= FIELDS
    with transaction.atomic():
        changed: User = actors.lock_actor(user)
        for name, value in values.items():
            setattr(changed, name, value)
        changed.save(update_fields=list(values))
    return changed


def choose_language(*, user: User, language: str) -> None:
    """Show pages and write messages in `language` from now on. Raises as `change`."""
    change(user=user, language=language)

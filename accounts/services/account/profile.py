"""Changes of the user's own names, language and attributes."""

from typing import Any

from django.db import transaction

from accounts import signals
from accounts.models import User
from accounts.services.account import attributes
from accounts.states import Audience
from rbac.services import actors

FIELDS = frozenset({"first_name", "last_name", "language", "attributes"})


def change(*, user: User, **values: Any) -> User:
    """Change the given FIELDS and return the changed user.

    `attributes` contains only those to change; None removes one. Raises InvalidAttributesException, or
    UnauthorizedException if the account or the session was closed meanwhile.
    """
    assert values.keys() <= FIELDS
    with transaction.atomic():
        changed: User = actors.lock_actor(user)
        if "attributes" in values:
            values["attributes"] = attributes.merged(changed.attributes, values["attributes"], Audience.OWNER)
        for name, value in values.items():
            setattr(changed, name, value)
        changed.save(update_fields=list(values))
        signals.profile_changed.send(sender=User, user=changed)
    return changed


def choose_language(*, user: User, language: str) -> None:
    """Set the language of pages and messages. Raises UnauthorizedException as `change` does."""
    change(user=user, language=language)

"""Check the permissions of an actor again in the transaction of a change.

The body of a request may arrive minutes after its session, account and permissions were checked. A service that changes
something therefore checks them again, in its own transaction and on the current row.
"""

from collections.abc import Iterable
from typing import Any

from django.contrib.auth import get_user_model

from foodfleet.core.exceptions import UnauthorizedException
from rbac.services import decisions


def lock_actor(actor: Any, *codenames: str, scope: Any = None, with_users: Iterable[int] = ()) -> Any:
    """Lock and return the current row of the actor. Call it first in the transaction.

    actor: None for the system itself, which may do everything. with_users: ids of the users whom the service changes;
    all rows are locked in the same order, to avoid deadlocks between two users who act on each other. Raises
    UnauthorizedException if the account is inactive, locked or deleted or the session has ended, and
    InsufficientPermissionsException if the actor no longer has all `codenames`.
    """
    ids = {*with_users} | ({actor.pk} if actor is not None else set())
    locked = get_user_model()._default_manager.filter(pk__in=ids).order_by("pk").select_for_update()
    rows = {row.pk: row for row in locked}
    return None if actor is None else _checked(rows.get(actor.pk), actor, codenames, scope)


def ensure_still_may(actor: Any, *codenames: str, scope: Any = None) -> Any:
    """Check and return the actor as `lock_actor` does, but without a lock, for many concurrent calls of one actor."""
    if actor is None:
        return None
    row = get_user_model()._default_manager.filter(pk=actor.pk).first()
    return _checked(row, actor, codenames, scope)


def _checked(row: Any, actor: Any, codenames: tuple[str, ...], scope: Any) -> Any:
    if row is None or not row.can_act(actor.acting_session):
        raise UnauthorizedException
    row.acting_session, row.acting_permissions = actor.acting_session, actor.acting_permissions
    decisions.require(row, *codenames, scope=scope)
    return row

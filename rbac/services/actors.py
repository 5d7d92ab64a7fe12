"""What the sender of a request may still do at the moment a service changes something.

A request takes time: its body may arrive minutes after the session, the account and the permissions were checked. A
service that changes something therefore asks again, in its own transaction and on a fresh row.
"""

from collections.abc import Iterable
from typing import Any

from django.contrib.auth import get_user_model

from foodfleet.core.exceptions import UnauthorizedException
from rbac.services import decisions


def lock_actor(actor: Any, *labels: str, scope: Any = None, with_users: Iterable[int] = ()) -> Any:
    """Lock the actor's row and return the actor as they are now; call it first in the transaction.

    actor None is the system itself, which may do everything. with_users: ids of users whom the service changes; all
    rows are locked in one order, so that two people who act on each other never wait for each other. Raises
    UnauthorizedException where the account is inactive, locked or deleted or the session has ended, and
    InsufficientPermissionsException where the actor does not hold all `labels` any more.
    """
    ids = {*with_users} | ({actor.pk} if actor is not None else set())
    locked = get_user_model()._default_manager.filter(pk__in=ids).order_by("pk").select_for_update()
    rows = {row.pk: row for row in locked}
    return None if actor is None else _checked(rows.get(actor.pk), actor, labels, scope)


def ensure_still_may(actor: Any, *labels: str, scope: Any = None) -> None:
    """`lock_actor` without the lock: for what one sender does many times at once."""
    if actor is not None:
        row = get_user_model()._default_manager.filter(pk=actor.pk).first()
        _checked(row, actor, labels, scope)


def _checked(row: Any, actor: Any, labels: tuple[str, ...], scope: Any) -> Any:
    if row is None or not row.can_act(actor.acting_session):
        raise UnauthorizedException
    row.acting_session = actor.acting_session
    decisions.require(row, *labels, scope=scope)
    return row

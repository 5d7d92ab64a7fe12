"""Nobody gives more than they hold, and nobody acts on somebody who holds more."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from foodfleet.core.exceptions import InsufficientPermissionsException
from rbac.exceptions import SuperusersOnlyException
from rbac.services import decisions


def ensure_may_act_on(actor: Any, user: Any) -> None:
    """Let `actor` act on the account of `user` only if they hold everything that `user` holds, in every scope.

    Everybody may act on themselves, and the system itself (actor None) on everybody. That `user` is inactive or locked
    does not count: they hold it again once they are not. Raises SuperusersOnlyException where `user` is a superuser and
    `actor` is not, or InsufficientPermissionsException, naming what `actor` does not hold.
    """
    if actor is None or actor.is_superuser or actor.pk == user.pk:
        return
    if user.is_superuser:
        raise SuperusersOnlyException
    own, theirs = decisions.access_of(actor), decisions.access_of(user)
    missing = set(theirs.everywhere - own.everywhere)
    for scope, labels in theirs.in_scope.items():
        missing |= labels - own.labels(scope)
    if missing:
        raise InsufficientPermissionsException.missing(*sorted(missing))


def ensure_may_give(actor: Any, labels: Iterable[str], *, scope: str = "", until: datetime | None = None) -> None:
    """Let `actor` give `labels` in `scope` until then; None: for good. The system itself (actor None) may.

    What the actor holds for a while is not given for longer. Raises InsufficientPermissionsException, naming what the
    actor does not hold there for as long.
    """
    ensure_within(held_by(actor, scope=scope, until=until), labels)


def held_by(actor: Any, *, scope: str = "", until: datetime | None = None) -> frozenset[str] | None:
    """What `actor` holds in `scope` until then; None: everything. To be asked before anything is changed.

    After a role is edited, its own holder holds what the edit put into it: that is what must not count.
    """
    if actor is None or (actor.is_active and actor.is_superuser):
        return None
    return decisions.access_until(actor, until).labels(scope or None) if actor.is_active else decisions.NO_LABELS


def ensure_within(held: frozenset[str] | None, labels: Iterable[str]) -> None:
    """Raises InsufficientPermissionsException, naming those of `labels` that are not among `held` (see `held_by`)."""
    if held is not None and (missing := sorted(set(labels) - held)):
        raise InsufficientPermissionsException.missing(*missing)

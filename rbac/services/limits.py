"""Nobody gives more than they hold."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from foodfleet.core.exceptions import InsufficientPermissionsException
from rbac.services import decisions


def ensure_may_give(actor: Any, labels: Iterable[str], *, scope: str = "", until: datetime | None = None) -> None:
    """Let `actor` give `labels` in `scope` until then; None: for good. The system itself (actor None) may.

    What the actor holds for a while is not given for longer. Raises InsufficientPermissionsException, naming what the
    actor does not hold there for as long.
    """
    if actor is None or (actor.is_active and actor.is_superuser):
        return
    held = decisions.access_until(actor, until).labels(scope or None) if actor.is_active else decisions.NO_LABELS
    if missing := sorted(set(labels) - held):
        raise InsufficientPermissionsException.missing(*missing)

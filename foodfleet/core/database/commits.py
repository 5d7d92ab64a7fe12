"""Database backends that announce what a transaction invalidated. See foodfleet.core.cache.coherent."""

from threading import local
from typing import TYPE_CHECKING, Any

from django.db import DEFAULT_DB_ALIAS, connections

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper as Backend
else:
    Backend = object

NOTHING: frozenset[str] = frozenset()


class _Invalidated(local):
    """The cache keys that the transaction of this thread has invalidated so far."""

    keys = NOTHING


invalidated = _Invalidated()


class AnnouncedCommits(Backend):
    """A mixin for Django's database backends.

    marker: replaced at each end of a transaction and each rollback to a savepoint. While it is the same object, rows
    that the transaction has read and not written since are unchanged for it.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.marker = object()

    def commit(self) -> None:
        """Commit. If the transaction invalidated keys, return when every process has applied that."""
        self.marker = object()
        if self.alias != DEFAULT_DB_ALIAS or not invalidated.keys:
            super().commit()
            return
        from foodfleet.core.cache.commits import announced  # noqa: PLC0415  its models need this backend

        keys, invalidated.keys = invalidated.keys, NOTHING
        announced(keys, super().commit)

    def rollback(self) -> None:
        """Roll back, and drop the invalidations of the transaction."""
        if self.alias == DEFAULT_DB_ALIAS:
            invalidated.keys = NOTHING
        self.marker = object()
        super().rollback()

    def savepoint_rollback(self, sid: str) -> None:
        """Roll back to the savepoint."""
        self.marker = object()
        super().savepoint_rollback(sid)


def transaction_marker() -> object | None:
    """Return the marker of the current transaction; None outside one."""
    connection: Any = connections[DEFAULT_DB_ALIAS]
    marker: object = connection.marker
    return marker if connection.in_atomic_block else None

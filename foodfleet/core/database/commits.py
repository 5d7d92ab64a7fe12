"""Database backends that announce what a transaction invalidated. See foodfleet.core.cache.coherent."""

from threading import local
from typing import TYPE_CHECKING

from django.db.utils import DEFAULT_DB_ALIAS

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper as Backend
else:
    Backend = object

NOTHING: frozenset[str] = frozenset()


class _Invalidated(local):
    """keys: what the transaction of this thread has invalidated so far."""

    keys = NOTHING


invalidated = _Invalidated()


class AnnouncedCommits(Backend):
    """A backend of Django, in front of which this class stands."""

    def commit(self) -> None:
        """Commit; where the transaction invalidated something, return when every process knows it."""
        if self.alias != DEFAULT_DB_ALIAS or not invalidated.keys:
            super().commit()
            return
        from foodfleet.core.cache.commits import announced  # noqa: PLC0415  its models need this backend

        keys, invalidated.keys = invalidated.keys, NOTHING
        announced(keys, super().commit)

    def rollback(self) -> None:
        """Roll back, and forget what the transaction invalidated."""
        if self.alias == DEFAULT_DB_ALIAS:
            invalidated.keys = NOTHING
        super().rollback()

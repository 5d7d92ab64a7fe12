"""The database backend: ENGINE "foodfleet.core.database.postgres"."""

from collections.abc import Callable
from typing import Any

from django.db.backends.base.base import NO_DB_ALIAS
from django.db.backends.postgresql import base
from django.db.backends.postgresql.psycopg_any import IsolationLevel

from foodfleet.core.database.postgres import driver
from foodfleet.core.database.postgres.pool import Pool

_pools: dict[tuple[str, str], Pool] = {}


class DatabaseWrapper(base.DatabaseWrapper):
    """Django's own, with another pool than psycopg's.

    psycopg's pool makes connections in the background and waits longer after each failure: minutes after a long outage
    it still has none. This one connects in the thread that needs a connection, so that the first request after an
    outage is served, and one during it is refused at once.
    """

    Database = driver
    isolation_level = IsolationLevel.READ_COMMITTED
    pool = None  # Django's own

    def get_new_connection(self, conn_params: dict[str, Any]) -> driver.WatchedConnection:
        """A connection that is free, or else a new one."""
        connect: Callable[..., driver.WatchedConnection] = super().get_new_connection
        if self.alias == NO_DB_ALIAS:
            return connect(conn_params)
        return self._our_pool.take(lambda: connect(conn_params))

    def _close(self) -> None:
        connection: Any = self.connection
        if connection is None:
            return
        with self.wrap_database_errors:
            if self.alias == NO_DB_ALIAS:
                connection.close()
            else:
                self._our_pool.give_back(connection)
                self.connection = None  # it may be another thread's already

    def close_pool(self) -> None:
        """Close what is free, as before the database is dropped."""
        for (alias, _), pool in _pools.items():
            if alias == self.alias:
                pool.close()

    @property
    def _our_pool(self) -> Pool:
        key = self.alias, str(self.settings_dict["NAME"])  # a test database gets another name under the same alias
        return _pools.setdefault(key, Pool(**self.settings_dict["CONNECTIONS"]))

"""The database backend: ENGINE "foodfleet.core.database.postgres"."""

import select
from datetime import UTC, datetime
from typing import Any, Self

from django.db.backends.postgresql import base, operations
from django.db.backends.postgresql.psycopg_any import BaseTzLoader
from django.db.backends.utils import CursorWrapper
from psycopg import Cursor, OperationalError
from psycopg.errors import FeatureNotSupported
from psycopg.pq import ConnStatus, TransactionStatus

from foodfleet.core.database.commits import AnnouncedCommits
from foodfleet.core.database.postgres import driver
from foodfleet.core.database.postgres.server import server


class TimestampLoader(BaseTzLoader):
    """Django's loader of timestamps, with a faster path for UTC, in which PostgreSQL returns them all."""

    timezone = UTC

    def load(self, data: Any) -> datetime:
        text = str(data, "ascii")
        if text.endswith("+00"):
            try:
                return datetime.fromisoformat(text)
            except ValueError:  # a year that Python does not support: psycopg raises DataError
                pass
        loaded: datetime = super().load(data)
        return loaded


class PreparedCursor(Cursor[Any]):
    """A cursor that prepares each statement at its first use on the connection."""

    def execute(self, query: Any, params: Any = None, **options: Any) -> Self:
        """psycopg's; a statement whose result a migration changed is prepared again."""
        try:
            return super().execute(query, params, **options)
        except FeatureNotSupported:  # "cached plan must not change result type"
            if self.connection.info.transaction_status != TransactionStatus.IDLE:
                raise  # the rollback has all statements prepared again
            super().execute("DEALLOCATE ALL", prepare=False)
            return super().execute(query, params, **options)


class DatabaseOperations(operations.DatabaseOperations):
    """Django's own, for the log of statements that DEBUG keeps."""

    def last_executed_query(self, cursor: Any, sql: str, params: Any) -> str:
        """Return the statement with its values, which a prepared one does not contain."""
        is_prepared = isinstance(cursor, PreparedCursor)
        return str(self.compose_sql(sql, params)) if is_prepared else super().last_executed_query(cursor, sql, params)


class DatabaseWrapper(AnnouncedCommits, base.DatabaseWrapper):
    """Django's PostgreSQL backend with a circuit breaker and a health check that sends nothing.

    Each thread keeps its connection (CONN_MAX_AGE=None); the server limits the number of threads. A thread without a
    connection opens one itself, so that the first request after an outage succeeds, and a request during it fails at
    once.
    """

    Database = driver
    ops_class = DatabaseOperations

    def get_new_connection(self, conn_params: dict[str, Any]) -> driver.WatchedConnection:
        """Connect, unless the circuit breaker is open. Raises OperationalError."""
        if not server.may_connect():
            raise OperationalError("The database server did not respond a moment ago.")
        try:
            connection: driver.WatchedConnection = super().get_new_connection(conn_params)
        except OperationalError as error:
            server.lost(error)
            raise
        server.found()
        connection.adapters.register_loader("timestamptz", TimestampLoader)
        connection.prepare_threshold = 0  # of PreparedCursor; Django's own cursors write values into the statement
        return connection

    def prepared_cursor(self) -> CursorWrapper:
        """Return a cursor whose statements PostgreSQL parses and plans once for each connection.

        While traces are on it is an ordinary one, because they report only statements of the connection's own cursors.
        """
        self.close_if_health_check_failed()
        self.ensure_connection()
        if self.connection.cursor_factory is not base.Cursor:
            return self.cursor()
        with self.wrap_database_errors:
            cursor: Any = PreparedCursor(self.connection)
        return self.make_debug_cursor(cursor) if self.queries_logged else self.make_cursor(cursor)

    def is_usable(self) -> bool:
        """Return whether the connection is idle and has no unread data. Django calls this once in each request.

        A restart of the server or a failed TCP keepalive makes the socket readable, so no statement is needed.
        """
        pgconn = self.connection.pgconn
        if pgconn.status != ConnStatus.OK or pgconn.transaction_status != TransactionStatus.IDLE:
            return False
        poll = select.poll()
        poll.register(pgconn.socket, select.POLLIN)
        return not poll.poll(0)

"""The database backend: ENGINE "foodfleet.core.database.postgres"."""

import select
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from django.db.backends.postgresql import base
from django.db.backends.postgresql.psycopg_any import BaseTzLoader
from psycopg import OperationalError
from psycopg.pq import ConnStatus, TransactionStatus

from foodfleet.core.database.commits import AnnouncedCommits
from foodfleet.core.database.postgres import driver
from foodfleet.core.database.postgres.server import server


class TimestampLoader(BaseTzLoader):
    """Django's loader of times, with a shorter way for times in UTC: Django has PostgreSQL write all of them so."""

    timezone = UTC

    def load(self, data: Any) -> datetime:
        text = str(data, "ascii")
        if text.endswith("+00"):
            with suppress(ValueError):  # of a year that Python does not have: psycopg says so
                return datetime.fromisoformat(text)
        loaded: datetime = super().load(data)
        return loaded


class DatabaseWrapper(AnnouncedCommits, base.DatabaseWrapper):
    """Django's own, with a circuit breaker and a health check that sends nothing.

    Each thread keeps its connection (CONN_MAX_AGE=None); the server bounds its threads. A thread without a connection
    makes one itself, so that the first request after an outage is served, and one during it is refused at once.
    """

    Database = driver

    def get_new_connection(self, conn_params: dict[str, Any]) -> driver.WatchedConnection:
        """Connect, unless the server did not respond just now."""
        if not server.may_connect():
            raise OperationalError("The database server did not respond just now.")
        try:
            connection: driver.WatchedConnection = super().get_new_connection(conn_params)
        except OperationalError as error:
            server.lost(error)
            raise
        server.found()
        connection.adapters.register_loader("timestamptz", TimestampLoader)
        return connection

    def is_usable(self) -> bool:
        """Return whether the connection is idle and silent; Django asks before the first statement of each request.

        A server that restarts, or that TCP keepalives give up, makes the socket readable: no statement is needed.
        """
        pgconn = self.connection.pgconn
        if pgconn.status != ConnStatus.OK or pgconn.transaction_status != TransactionStatus.IDLE:
            return False
        poll = select.poll()
        poll.register(pgconn.socket, select.POLLIN)
        return not poll.poll(0)

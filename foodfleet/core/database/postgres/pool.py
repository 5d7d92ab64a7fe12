"""The connections of this process to one database, at most so many at a time."""

import os
import select
from collections import deque
from collections.abc import Callable
from threading import BoundedSemaphore
from time import monotonic

from psycopg import Error, OperationalError
from psycopg.pq import ConnStatus, TransactionStatus

from foodfleet.core.database.postgres.driver import WatchedConnection
from foodfleet.core.database.postgres.server import server

TRUSTED_SECONDS = 1.0  # a connection returned so recently is used without a check


class Pool:
    """Keeps idle connections for reuse.

    size: connections in use at a time. timeout: seconds to wait until one of them is free.
    """

    def __init__(self, size: int, timeout: float) -> None:
        self._size, self._timeout = size, timeout
        self._free = BoundedSemaphore(size)
        self._idle: deque[tuple[WatchedConnection, float]] = deque()
        self._process = os.getpid()

    def take(self, connect: Callable[[], WatchedConnection]) -> WatchedConnection:
        """Return a working connection, opened by `connect` where none is idle. Raises psycopg's OperationalError."""
        self._forget_parents_connections()
        if not self._free.acquire(timeout=self._timeout):
            raise OperationalError(f"All {self._size} connections of this process are in use.")
        try:
            return self._working() or _connected(connect)
        except BaseException:
            self._free.release()
            raise

    def give_back(self, connection: WatchedConnection) -> None:
        """Return a connection to the pool; close it if it is broken or still in a transaction."""
        is_clean = connection.pgconn.transaction_status == TransactionStatus.IDLE
        if is_clean and connection.pgconn.status == ConnStatus.OK:
            connection.autocommit = True
            self._idle.append((connection, monotonic()))
        else:
            connection.close()
        if self._process == os.getpid():
            self._free.release()

    def close(self) -> None:
        """Close the idle connections."""
        while self._idle:
            self._idle.pop()[0].close()

    def _working(self) -> WatchedConnection | None:
        while True:
            try:
                connection, since = self._idle.pop()
            except IndexError:
                return None
            if _works(connection, since):
                return connection
            connection.close()

    def _forget_parents_connections(self) -> None:
        """After a fork the parent continues to use them: they are neither used nor closed here."""
        if self._process != os.getpid():
            _of_parents.extend(self._idle)
            self.__init__(self._size, self._timeout)  # type: ignore[misc]


_of_parents: list[object] = []


def _works(connection: WatchedConnection, since: float) -> bool:
    if monotonic() - since < TRUSTED_SECONDS and not _has_input(connection):
        return True
    try:
        connection.execute("")
        return True
    except Error:
        return False


def _has_input(connection: WatchedConnection) -> bool:
    """Return whether the server sent something unrequested, mostly that it closed the connection."""
    poll = select.poll()
    poll.register(connection.pgconn.socket, select.POLLIN)
    return bool(poll.poll(0))


def _connected(connect: Callable[[], WatchedConnection]) -> WatchedConnection:
    if not server.may_connect():
        raise OperationalError("The database server did not respond just now.")
    try:
        connection = connect()
    except OperationalError as error:
        server.lost(error)
        raise
    server.found()
    return connection

"""psycopg with connections that detect a server that stops responding."""

from collections.abc import Callable, Generator
from time import monotonic
from typing import Any

from psycopg import *  # noqa: F403  Django expects psycopg's names
from psycopg import Connection, OperationalError
from psycopg.abc import PQGen

from foodfleet.core.database.postgres.server import server

SILENCE = 0.5  # seconds without data after which the server is probed


class WatchedConnection(Connection[Any]):
    """A connection that aborts a statement when the server is unreachable.

    A server that hangs keeps its connections open, so neither TCP nor libpq notice. Slow statements are not aborted
    here but by statement_timeout.
    """

    def wait(self, gen: PQGen[Any], interval: float = 0.1, timeout: float | None = None) -> Any:
        """Wait for the server, in every statement, commit and rollback, and probe it while it is silent."""
        return super().wait(_watched(gen, self._end_if_away), interval, timeout)

    def _end_if_away(self) -> None:
        info = self.info
        if not server.answers(info.hostaddr or info.host, info.port):
            self.close()
            raise OperationalError("The database server does not answer.")


def _watched(gen: PQGen[Any], when_silent: Callable[[], None]) -> Generator[Any, Any, Any]:
    """Run `gen`, and call `when_silent` whenever no data arrived for SILENCE seconds."""
    try:
        wanted = next(gen)
        silent_since: float | None = None
        while True:
            ready = yield wanted
            if ready:
                silent_since = None
            elif silent_since is None:
                silent_since = monotonic()
            elif monotonic() - silent_since >= SILENCE:
                when_silent()
            wanted = gen.send(ready)
    except StopIteration as done:
        return done.value


def _connect(*arguments: Any, **options: Any) -> WatchedConnection:
    """Connect. The method is looked up at each call, because tracing replaces it."""
    return WatchedConnection.connect(*arguments, **options)


connect = _connect

"""The database backend: ENGINE "foodfleet.core.database.sqlite3"."""

from itertools import count
from typing import Any

from django.db.backends.sqlite3 import base

from foodfleet.core.database.commits import AnnouncedCommits

_connections = count()


class DatabaseWrapper(AnnouncedCommits, base.DatabaseWrapper):
    """Django's SQLite backend, which announces commits and reports changes of the file.

    Each thread keeps its connection (CONN_MAX_AGE=None): opening one costs more than the statements of most requests.
    """

    def get_new_connection(self, conn_params: Any) -> Any:
        """Return a new connection, and number it."""
        self._number = next(_connections)
        return super().get_new_connection(conn_params)

    def file_state(self) -> tuple[int, int, int]:
        """Return a value that changes with the file, by others (PRAGMA data_version) or by this connection."""
        self.ensure_connection()
        (version,) = self.connection.execute("PRAGMA data_version").fetchone()
        return self._number, version, self.connection.total_changes

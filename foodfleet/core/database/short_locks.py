"""Schema changes of large tables under an exclusive lock that is short and not waited for long."""

from collections.abc import Callable
from time import sleep

from django.db import OperationalError, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import CursorWrapper
from psycopg.errors import LockNotAvailable

# For a lock; other transactions queue behind us meanwhile. In a deadlock it has to be us who give up, before PostgreSQL
# looks for a victim (deadlock_timeout, 1 second).
LONGEST_WAIT = "500ms"
TRIES = 60
PAUSE = 2.0  # seconds between tries, in which other transactions continue


def run(connection: BaseDatabaseWrapper, work: Callable[[CursorWrapper], None], *, tries: int = TRIES) -> None:
    """Call `work` in a transaction that gives up waiting for a lock after LONGEST_WAIT, up to `tries` times.

    Raises OperationalError, with nothing changed, if no try got the lock.
    """
    for left in reversed(range(tries)):
        try:
            with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
                cursor.execute(f"SET LOCAL lock_timeout = '{LONGEST_WAIT}'")
                work(cursor)
        except OperationalError as error:
            if not left or not isinstance(error.__cause__, LockNotAvailable):
                raise
            sleep(PAUSE)
        else:
            return

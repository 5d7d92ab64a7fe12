"""Changes of large tables that lock out readers and writers, but only for an instant, and never wait long for that."""

from collections.abc import Callable
from time import sleep

from django.db import OperationalError, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import CursorWrapper
from psycopg.errors import LockNotAvailable

LONGEST_WAIT = "1s"  # those who come later wait behind us so long at most
TRIES = 60
PAUSE = 2.0  # seconds between them, in which the others go on


def run(connection: BaseDatabaseWrapper, work: Callable[[CursorWrapper], None], *, tries: int = TRIES) -> None:
    """Call `work` in a transaction that gives up waiting for a lock after LONGEST_WAIT, up to `tries` times.

    Raises OperationalError, with nothing changed, where other transactions kept the table to the end.
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

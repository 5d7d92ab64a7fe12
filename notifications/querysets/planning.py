"""How PostgreSQL looks for what waits."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connections, transaction

ALONG_INDEXES = "SET LOCAL enable_bitmapscan = off; SET LOCAL enable_seqscan = off"


@contextmanager
def along_indexes(using: str) -> Iterator[None]:
    """A transaction in which rows are looked for along an index, entry by entry.

    A row that waited leaves an entry in the indexes of what waits until it is vacuumed away, which on a large table is
    after millions of messages. A scan along the index marks such entries and the next one passes them by; the bitmap
    that the planner would make of what it takes for a few rows reads all of them again, and their rows, each time.
    """
    connection = connections[using]
    is_outermost = not connection.in_atomic_block  # else it would hold for what is not ours
    with transaction.atomic(using=using, savepoint=False):
        if is_outermost and connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute(ALONG_INDEXES)
        yield

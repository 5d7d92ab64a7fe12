"""Locks of a name: for what happens once, where no row can be locked and no unique constraint is possible."""

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.transaction import TransactionManagementError

# The text is hashed to 64 bits. Two names with one hash wait for each other, which is harmless.
LOCK = "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))"


def lock_name(purpose: str, *parts: object) -> None:
    """Wait until no other transaction has locked this name, and lock it until the caller's transaction ends.

    The next statement sees what the others committed, also late in a long transaction: on PostgreSQL it is READ
    COMMITTED. On SQLite transactions are IMMEDIATE: only one is open at a time, so there is nothing to lock.
    """
    connection = connections[DEFAULT_DB_ALIAS]
    if not connection.in_atomic_block:
        raise TransactionManagementError("A name is locked until the end of a transaction, and there is none.")
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(LOCK, [":".join(map(str, (purpose, *parts)))])

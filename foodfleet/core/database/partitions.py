"""Tables that PostgreSQL stores in partitions by month of a column, their partition key.

Besides the partitions of months there are `<table>_before`, with all rows older than the first month, and
`<table>_default`, with all rows that fit no other partition, so that no insert fails. To the ORM all of them are one
table. On other databases they are, and these functions do nothing there.

The default partition rules out DETACH CONCURRENTLY. Partitions are dropped by a statement that locks the table for a
moment, and that gives up if it would have to wait.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from operator import methodcaller

import structlog
from django.db import DatabaseError, connections
from django.db.backends.utils import CursorWrapper
from django.db.models import Model

from foodfleet.core.database import short_locks

logger = structlog.get_logger(__name__)
MONTHS_AHEAD = 3  # besides the current one: the purge, which makes them, may not run for so long
IN_ORDER = """
SELECT relname, substring(bound FROM 'FROM \\(''([^'']+)')::timestamptz,
    substring(bound FROM 'TO \\(''([^'']+)')::timestamptz
FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid, pg_get_expr(relpartbound, pg_class.oid) bound
WHERE inhparent = to_regclass(%s) ORDER BY 3 NULLS LAST
"""


PARTITION_KEY = """
SELECT attname FROM pg_partitioned_table JOIN pg_attribute ON attrelid = partrelid AND attnum = partattrs[0]
WHERE partrelid = to_regclass(%s)
"""


@dataclass(frozen=True)
class Partition:
    """A partition, and the times of its rows: from `start` (None: any) to before `end` (None: the default one)."""

    name: str
    start: datetime | None
    end: datetime | None


def of(model: type[Model], using: str = "default") -> list[Partition]:
    """Return the partitions of the model's table, the oldest first and the default one last; none on SQLite."""
    connection = connections[using]
    if connection.vendor != "postgresql":
        return []
    with connection.cursor() as cursor:
        cursor.execute(IN_ORDER, [connection.ops.quote_name(model._meta.db_table)])
        return [Partition(*row) for row in cursor.fetchall()]


def month_of(time: datetime, later: int = 0) -> datetime:
    """Return the start of the month, in UTC, that is `later` months after that of `time`."""
    time = time.astimezone(UTC)
    years, month = divmod(time.month - 1 + later, 12)
    return datetime(time.year + years, month + 1, 1, tzinfo=UTC)


def missing(model: type[Model], now: datetime, *, ahead: int = MONTHS_AHEAD, using: str = "default") -> list[datetime]:
    """Return the months without a partition, from the current one to `ahead` months later."""
    found = of(model, using)
    months = [month_of(now, later) for later in range(ahead + 1)] if found else []
    return [month for month in months if not any(_covers(one, month) for one in found)]


def owner_of(cursor: CursorWrapper, table: str) -> str:
    """Return the role that owns the table, for use in SQL. table: its quoted name."""
    cursor.execute("SELECT relowner::regrole::text FROM pg_class WHERE oid = to_regclass(%s)", [table])
    return str(cursor.fetchone()[0])


def _covers(partition: Partition, month: datetime) -> bool:
    return (partition.start is None or partition.start <= month) and partition.end is not None and month < partition.end


def make_ahead(model: type[Model], now: datetime, *, using: str = "default") -> None:
    """Make the missing partitions of this month and the next ones.

    A month that already has rows in the default partition gets none; queries find its rows there.
    """
    for month in missing(model, now, using=using):
        try:
            _make(model, month, using)
        except DatabaseError as error:  # locked by others, made by another process, or the role is not the owner
            logger.warning("partition_not_made", table=model._meta.db_table, month=f"{month:%Y-%m}", error=str(error))


def _make(model: type[Model], month: datetime, using: str) -> None:
    table, end, quote = model._meta.db_table, month_of(month, 1), connections[using].ops.quote_name
    name = quote(f"{table}_{month:%Y_%m}")

    def work(cursor: CursorWrapper) -> None:
        cursor.execute(PARTITION_KEY, [quote(table)])
        by = quote(cursor.fetchone()[0])
        in_default = f"SELECT 1 FROM {quote(f'{table}_default')} WHERE {by} >= %s AND {by} < %s LIMIT 1"  # noqa: S608
        cursor.execute(in_default, [month, end])
        if cursor.fetchone():
            return
        # CREATE TABLE ... PARTITION OF would lock out everybody. ATTACH locks the default partition, which it reads,
        # and writes of the tables that foreign keys refer to.
        cursor.execute(f"CREATE TABLE {name} (LIKE {quote(table)} INCLUDING DEFAULTS INCLUDING CONSTRAINTS)")
        cursor.execute(f"ALTER TABLE {name} OWNER TO {owner_of(cursor, quote(table))}")
        cursor.execute(f"ALTER TABLE {quote(table)} ATTACH PARTITION {name} FOR VALUES FROM ('{month}') TO ('{end}')")

    short_locks.run(connections[using], work, tries=1)


def older(model: type[Model], time: datetime, *, using: str = "default") -> list[Partition]:
    """Return the partitions in which every row is older than `time`, the oldest first."""
    return [one for one in of(model, using) if one.end is not None and one.end <= time]


def drop_older(model: type[Model], time: datetime, *, using: str = "default") -> None:
    """Drop the partitions in which every row is older than `time`."""
    for partition in older(model, time, using=using):
        drop(partition, using=using)


def drop(partition: Partition, *, using: str = "default") -> None:
    """Drop a partition, unless others use it: then a later run has to try again."""
    statement = f"DROP TABLE {connections[using].ops.quote_name(partition.name)}"
    try:
        short_locks.run(connections[using], methodcaller("execute", statement), tries=1)
    except DatabaseError as error:
        logger.warning("partition_not_dropped", partition=partition.name, error=str(error))
    else:
        logger.info("partition_dropped", partition=partition.name)


def first_month(model: type[Model], using: str = "default") -> datetime | None:
    """Return when the oldest partition of a month begins; None if there is none."""
    return next((one.start for one in of(model, using) if one.start), None)

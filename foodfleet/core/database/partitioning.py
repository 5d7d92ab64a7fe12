"""The migration that moves a table in use to partitions by month; `partitions` explains what they are.

The table becomes the partition `<table>_before` of a new, empty parent that takes its name: no row is moved, and no row
is read under a lock. The parts, each of which may be repeated after an interruption:

1. A unique index of `id` and `created_at` is built CONCURRENTLY: a primary key has to contain the partition key.
2. A check constraint says that all rows are older than the first month that gets a partition. It is validated while
   others read and write, so that ATTACH PARTITION need not scan the table under its lock.
3. One transaction renames the table and attaches it to the parent. It locks the table for some milliseconds. If it
   would have to wait for others, it gives up and tries again.

PostgreSQL guarantees a unique `id` within each partition; across partitions the sequence does.
"""

from datetime import datetime

from django.db import NotSupportedError
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.backends.utils import CursorWrapper
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState
from django.db.models import Model
from django.utils import timezone

from foodfleet.core.database import partitions, short_locks

IS_PARTITIONED = "SELECT relkind = 'p' FROM pg_class WHERE oid = to_regclass(%s)"
INDEXES = """
SELECT relname, substring(pg_get_indexdef(indexrelid) FROM ' USING .*') FROM pg_index
JOIN pg_class ON pg_class.oid = indexrelid WHERE indrelid = to_regclass(%s) AND NOT indisprimary ORDER BY relname
"""
PRIMARY_KEY = "SELECT conname FROM pg_constraint WHERE conrelid = to_regclass(%s) AND contype = 'p'"
LONGEST_NAME = 63


class PartitionByMonth(Operation):
    """Move the table of a model with `id` and `created_at` to partitions by month, on PostgreSQL.

    Not for tables with other unique constraints, or to which foreign keys point. Needs `atomic = False` on the
    Migration class. Reversing it copies all rows into one table, which is locked meanwhile.
    """

    reversible = True
    atomic = False

    def __init__(self, model_name: str) -> None:
        self.model_name = model_name

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """The model stays the same."""

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """Partition the table."""
        model, connection = to_state.apps.get_model(app_label, self.model_name), schema_editor.connection
        if connection.vendor != "postgresql" or not self.allow_migrate_model(connection.alias, model):
            return
        if connection.in_atomic_block:
            raise NotSupportedError("Set `atomic = False` on a migration that partitions a table.")
        if not is_partitioned(connection, model._meta.db_table):
            _Move(connection, model).run()
        partitions.make_ahead(model, timezone.now(), using=connection.alias)

    def database_backwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """Merge the partitions into one table."""
        model, connection = from_state.apps.get_model(app_label, self.model_name), schema_editor.connection
        if connection.vendor == "postgresql" and self.allow_migrate_model(connection.alias, model):
            short_locks.run(connection, lambda cursor: _merge(cursor, model._meta.db_table))

    def describe(self) -> str:
        """Return the description for `sqlmigrate` and the output of `migrate`."""
        return f"Partition the table of {self.model_name} by month"


def is_partitioned(connection: BaseDatabaseWrapper, table: str) -> bool:
    """Return whether the table is stored in partitions."""
    if connection.vendor != "postgresql":
        return False
    with connection.cursor() as cursor:
        cursor.execute(IS_PARTITIONED, [connection.ops.quote_name(table)])
        row = cursor.fetchone()
    return bool(row and row[0])


class _Move:
    def __init__(self, connection: BaseDatabaseWrapper, model: type[Model]) -> None:
        self.connection = connection
        self.model = model
        self.table = model._meta.db_table
        self.old = f"{self.table}_before"
        self.key = f"{self.old}_key"
        self.bound = f"{self.table}_bound"

    def run(self) -> None:
        self._build_key()
        first = self._first_month()
        short_locks.run(self.connection, lambda cursor: self._add_bound(cursor, first))
        try:
            with self.connection.cursor() as cursor:
                cursor.execute(f'ALTER TABLE "{self.table}" VALIDATE CONSTRAINT "{self.bound}"')
            short_locks.run(self.connection, lambda cursor: self._attach(cursor, first))
        except BaseException:  # the constraint must not be there when the first month begins
            short_locks.run(self.connection, self._drop_bound)
            raise

    def _build_key(self) -> None:
        with self.connection.cursor() as cursor:
            cursor.execute("SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(%s)", [f'"{self.key}"'])
            if (found := cursor.fetchone()) and found[0]:
                return
            cursor.execute(f'DROP INDEX CONCURRENTLY IF EXISTS "{self.key}"')  # left by a build that was interrupted
            cursor.execute(f'CREATE UNIQUE INDEX CONCURRENTLY "{self.key}" ON "{self.table}" (id, created_at)')

    def _first_month(self) -> datetime:
        """Return the month after the next one, or after that of the newest row if that is later.

        An interrupted migration can then be repeated within a month.
        """
        soon = partitions.month_of(timezone.now(), 2)
        newest = self.model._default_manager.order_by("-created_at").values_list("created_at", flat=True).first()
        return max(soon, partitions.month_of(newest, 1)) if newest else soon

    def _add_bound(self, cursor: CursorWrapper, first: datetime) -> None:
        self._drop_bound(cursor)
        check = f"CHECK (created_at < '{first}') NOT VALID"
        cursor.execute(f'ALTER TABLE "{self.table}" ADD CONSTRAINT "{self.bound}" {check}')

    def _drop_bound(self, cursor: CursorWrapper) -> None:
        cursor.execute(f'ALTER TABLE IF EXISTS "{self.table}" DROP CONSTRAINT IF EXISTS "{self.bound}"')

    def _attach(self, cursor: CursorWrapper, first: datetime) -> None:
        table, old = self.table, self.old
        cursor.execute(f'LOCK TABLE "{table}" IN ACCESS EXCLUSIVE MODE')
        following = _following_id(cursor, table)
        cursor.execute(PRIMARY_KEY, [f'"{table}"'])
        (primary_key,) = cursor.fetchone()
        cursor.execute(
            f'ALTER TABLE "{table}" ALTER id DROP IDENTITY, DROP CONSTRAINT "{primary_key}", '
            f'ADD CONSTRAINT "{old}_pkey" PRIMARY KEY USING INDEX "{self.key}"'
        )
        indexes = _indexes(cursor, table)
        for name in indexes:
            cursor.execute(f'ALTER INDEX "{name}" RENAME TO "{name[: LONGEST_NAME - 7]}_before"')
        cursor.execute(f'ALTER TABLE "{table}" RENAME TO "{old}"')
        cursor.execute(f'CREATE TABLE "{table}" (LIKE "{old}" INCLUDING DEFAULTS) PARTITION BY RANGE (created_at)')
        _complete(cursor, table, "id, created_at", following, indexes)
        cursor.execute(f'ALTER TABLE "{table}" ATTACH PARTITION "{old}" FOR VALUES FROM (MINVALUE) TO (\'{first}\')')
        cursor.execute(f'ALTER TABLE "{old}" DROP CONSTRAINT "{self.bound}"')
        cursor.execute(f'CREATE TABLE "{table}_default" PARTITION OF "{table}" DEFAULT')


def _merge(cursor: CursorWrapper, table: str) -> None:
    cursor.execute(f'LOCK TABLE "{table}" IN ACCESS EXCLUSIVE MODE')
    following, indexes = _following_id(cursor, table), _indexes(cursor, table)
    cursor.execute(f'CREATE TABLE "{table}_merged" (LIKE "{table}" INCLUDING DEFAULTS)')
    cursor.execute(f'INSERT INTO "{table}_merged" SELECT * FROM "{table}"')  # noqa: S608
    cursor.execute(f'DROP TABLE "{table}"')
    cursor.execute(f'ALTER TABLE "{table}_merged" RENAME TO "{table}"')
    _complete(cursor, table, "id", following, indexes)


def _following_id(cursor: CursorWrapper, table: str) -> int:
    cursor.execute("SELECT pg_get_serial_sequence(%s, 'id')", [f'"{table}"'])
    cursor.execute(f"SELECT last_value + is_called::int FROM {cursor.fetchone()[0]}")  # noqa: S608
    return int(cursor.fetchone()[0])


def _indexes(cursor: CursorWrapper, table: str) -> dict[str, str]:
    """Return the definition of each index but the primary key's, by its name."""
    cursor.execute(INDEXES, [f'"{table}"'])
    return dict(cursor.fetchall())


def _complete(cursor: CursorWrapper, table: str, key: str, following: int, indexes: dict[str, str]) -> None:
    cursor.execute(f'ALTER TABLE "{table}" ADD CONSTRAINT "{table}_pkey" PRIMARY KEY ({key})')
    cursor.execute(f'ALTER TABLE "{table}" ALTER id ADD GENERATED BY DEFAULT AS IDENTITY (START WITH {following})')
    for name, rest in indexes.items():
        cursor.execute(f'CREATE INDEX "{name}" ON "{table}"{rest}')

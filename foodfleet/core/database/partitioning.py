"""The migration that moves a table in use to partitions by month; `partitions` explains what they are.

The table becomes the partition `<table>_before` of a new, empty parent that takes its name: no row is moved, and no row
is read under a lock. The parts, each of which may be repeated after an interruption:

1. The primary key and each unique constraint have to contain the partition key: an index with it is built
   CONCURRENTLY for each.
2. A check constraint says that all rows are older than the first month that gets a partition. It is validated while
   others read and write, so that ATTACH PARTITION need not scan the table under its lock.
3. One transaction renames the table and attaches it to the parent. It locks the table, and those that its foreign keys
   refer to, for some milliseconds. If it would have to wait for others, it gives up and tries again.

PostgreSQL guarantees uniqueness for rows with the same time; across times that of a key follows from how it is made: by
a sequence, at random, or from the row that the time belongs to.
"""

import re
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.db import NotSupportedError
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.backends.utils import CursorWrapper
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState
from django.db.models import AutoField, Max, Model
from django.utils import timezone

from foodfleet.core.database import partitions, short_locks

IS_PARTITIONED = "SELECT relkind = 'p' FROM pg_class WHERE oid = to_regclass(%s)"
INDEXES = """
SELECT relname, indisunique, substring(pg_get_indexdef(indexrelid) FROM ' USING .*') FROM pg_index
JOIN pg_class ON pg_class.oid = indexrelid WHERE indrelid = to_regclass(%s) AND NOT indisprimary ORDER BY relname
"""
FOREIGN_KEYS = """
SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint
WHERE conrelid = to_regclass(%s) AND contype = 'f' ORDER BY conname
"""
TRIGGERS = """
SELECT tgname, pg_get_triggerdef(oid) FROM pg_trigger
WHERE tgrelid = to_regclass(%s) AND NOT tgisinternal ORDER BY tgname
"""
REFERRING = """
SELECT format('%%s of %%s', conname, conrelid::regclass) FROM pg_constraint
WHERE confrelid = to_regclass(%s) AND contype = 'f' AND conparentid = 0
"""
PRIMARY_KEY = "SELECT conname FROM pg_constraint WHERE conrelid = to_regclass(%s) AND contype = 'p'"
LONGEST_NAME = 63


class PartitionByMonth(Operation):
    """Move the table of a model to partitions by month of the column `by`, on PostgreSQL.

    `by` is never NULL and never changes. Unique indexes of plain columns hold for rows with the same time. Foreign keys
    must not refer to the table. Needs `atomic = False` on the Migration class. Reversing it copies all rows into one
    table, which is locked meanwhile.
    """

    reversible = True
    reduces_to_sql = False  # the statements depend on the table
    atomic = False

    def __init__(self, model_name: str, by: str = "created_at") -> None:
        self.model_name = model_name
        self.by = by

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
            _Move(connection, model, self.by).run()
        partitions.make_ahead(model, timezone.now(), using=connection.alias)

    def database_backwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """Merge the partitions into one table."""
        model, connection = from_state.apps.get_model(app_label, self.model_name), schema_editor.connection
        if is_partitioned(connection, model._meta.db_table) and self.allow_migrate_model(connection.alias, model):
            short_locks.run(connection, lambda cursor: _merge(cursor, model, self.by))

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


@dataclass(frozen=True)
class _Index:
    """An index apart from the primary key's. definition: what follows the table's name in CREATE INDEX."""

    name: str
    is_unique: bool
    definition: str

    @property
    def name_before(self) -> str:
        return f"{self.name[: LONGEST_NAME - 7]}_before"

    def lacks(self, by: str) -> bool:
        """Return whether it is unique and does not contain the partition key."""
        return self.is_unique and not re.search(rf"\b{by}\b", self.definition)

    def containing(self, by: str) -> "_Index":
        """Return the index with the partition key as its last column, if it needs it."""
        with_key = self.definition.replace(")", f", {by})", 1)
        return replace(self, definition=with_key) if self.lacks(by) else self

    def without(self, by: str) -> "_Index":
        """Return the index as it was before `containing`."""
        return replace(self, definition=self.definition.replace(f", {by})", ")", 1)) if self.is_unique else self

    def create(self, cursor: CursorWrapper, table: str) -> None:
        """Create the index under its name."""
        cursor.execute(f'CREATE {"UNIQUE " * self.is_unique}INDEX "{self.name}" ON "{table}"{self.definition}')


class _Move:
    def __init__(self, connection: BaseDatabaseWrapper, model: type[Model], by: str) -> None:
        self.connection = connection
        self.model = model
        self.by = by
        self.table = model._meta.db_table
        self.old = f"{self.table}_before"
        self.key = f"{self.old}_key"
        self.bound = f"{self.table}_bound"

    def run(self) -> None:
        with self.connection.cursor() as cursor:
            if found := [name for (name,) in _rows(cursor, REFERRING, self.table)]:
                raise NotSupportedError(f"Drop the foreign keys that refer to {self.table} first: {', '.join(found)}.")
            self._build_unique(cursor, self.key, f" ({self._primary_key()})")
            for index in _indexes(cursor, self.table):
                if index.lacks(self.by):
                    self._build_unique(cursor, index.name_before, index.containing(self.by).definition)
        first = self._first_month()
        short_locks.run(self.connection, lambda cursor: self._add_bound(cursor, first))
        try:
            with self.connection.cursor() as cursor:
                cursor.execute(f'ALTER TABLE "{self.table}" VALIDATE CONSTRAINT "{self.bound}"')
            short_locks.run(self.connection, lambda cursor: self._attach(cursor, first))
        except BaseException:  # the constraint must not be there when the first month begins
            short_locks.run(self.connection, self._drop_bound)
            raise

    def _primary_key(self) -> str:
        return f"{self.model._meta.pk.column}, {self.by}"

    def _build_unique(self, cursor: CursorWrapper, name: str, definition: str) -> None:
        cursor.execute("SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(%s)", [f'"{name}"'])
        if (found := cursor.fetchone()) and found[0]:
            return
        cursor.execute(f'DROP INDEX CONCURRENTLY IF EXISTS "{name}"')  # left by a build that was interrupted
        cursor.execute(f'CREATE UNIQUE INDEX CONCURRENTLY "{name}" ON "{self.table}"{definition}')

    def _first_month(self) -> datetime:
        """Return the month after the next one, or after that of the newest row if that is later.

        An interrupted migration can then be repeated within a month.
        """
        soon = partitions.month_of(timezone.now(), 2)
        newest = self.model._default_manager.aggregate(newest=Max(self.by))["newest"]
        return max(soon, partitions.month_of(newest, 1)) if newest else soon

    def _add_bound(self, cursor: CursorWrapper, first: datetime) -> None:
        self._drop_bound(cursor)
        check = f"CHECK ({self.by} < '{first}') NOT VALID"
        cursor.execute(f'ALTER TABLE "{self.table}" ADD CONSTRAINT "{self.bound}" {check}')

    def _drop_bound(self, cursor: CursorWrapper) -> None:
        cursor.execute(f'ALTER TABLE IF EXISTS "{self.table}" DROP CONSTRAINT IF EXISTS "{self.bound}"')

    def _attach(self, cursor: CursorWrapper, first: datetime) -> None:
        table, old = self.table, self.old
        cursor.execute(f'LOCK TABLE "{table}" IN ACCESS EXCLUSIVE MODE')
        before = _Definitions(cursor, self.model)
        built = {self.key, *(index.name_before for index in before.indexes if index.lacks(self.by))}
        indexes = [index for index in before.indexes if index.name not in built]
        ((primary_key,),) = _rows(cursor, PRIMARY_KEY, table)
        for name, _definition in before.triggers:
            cursor.execute(f'DROP TRIGGER "{name}" ON "{table}"')
        for index in indexes:
            change = "DROP INDEX" if index.lacks(self.by) else "ALTER INDEX"
            rest = "" if index.lacks(self.by) else f' RENAME TO "{index.name_before}"'
            cursor.execute(f'{change} "{index.name}"{rest}')
        if before.next_id is not None:
            cursor.execute(f'ALTER TABLE "{table}" ALTER "{self.model._meta.pk.column}" DROP IDENTITY')
        cursor.execute(
            f'ALTER TABLE "{table}" DROP CONSTRAINT "{primary_key}", '
            f'ADD CONSTRAINT "{old}_pkey" PRIMARY KEY USING INDEX "{self.key}"'
        )
        cursor.execute(f'ALTER TABLE "{table}" RENAME TO "{old}"')
        columns = f'LIKE "{old}" INCLUDING DEFAULTS INCLUDING CONSTRAINTS'
        cursor.execute(f'CREATE TABLE "{table}" ({columns}) PARTITION BY RANGE ("{self.by}")')
        self._drop_bound(cursor)  # which is that of the new table now
        before.apply(cursor, self._primary_key(), [index.containing(self.by) for index in indexes])
        cursor.execute(f'ALTER TABLE "{table}" ATTACH PARTITION "{old}" FOR VALUES FROM (MINVALUE) TO (\'{first}\')')
        cursor.execute(f'ALTER TABLE "{old}" DROP CONSTRAINT "{self.bound}"')
        cursor.execute(f'CREATE TABLE "{table}_default" PARTITION OF "{table}" DEFAULT')
        before.create_triggers(cursor)
        for name in (table, f"{table}_default"):
            cursor.execute(f'ALTER TABLE "{name}" OWNER TO {before.owner}')


def _merge(cursor: CursorWrapper, model: type[Model], by: str) -> None:
    table = model._meta.db_table
    cursor.execute(f'LOCK TABLE "{table}" IN ACCESS EXCLUSIVE MODE')
    before = _Definitions(cursor, model)
    cursor.execute(f'CREATE TABLE "{table}_merged" (LIKE "{table}" INCLUDING DEFAULTS INCLUDING CONSTRAINTS)')
    cursor.execute(f'INSERT INTO "{table}_merged" SELECT * FROM "{table}"')  # noqa: S608
    cursor.execute(f'DROP TABLE "{table}"')
    cursor.execute(f'ALTER TABLE "{table}_merged" RENAME TO "{table}"')
    before.apply(cursor, before.pk, [index.without(by) for index in before.indexes])
    before.create_triggers(cursor)
    cursor.execute(f'ALTER TABLE "{table}" OWNER TO {before.owner}')


class _Definitions:
    """What a table has besides its columns and checks.

    next_id: of its identity column; None without one.
    """

    def __init__(self, cursor: CursorWrapper, model: type[Model]) -> None:
        self.table, self.pk = model._meta.db_table, str(model._meta.pk.column)
        self.next_id: int | None = None
        if isinstance(model._meta.pk, AutoField):
            cursor.execute("SELECT pg_get_serial_sequence(%s, %s)", [f'"{self.table}"', self.pk])
            cursor.execute(f"SELECT last_value + is_called::int FROM {cursor.fetchone()[0]}")  # noqa: S608
            self.next_id = int(cursor.fetchone()[0])
        self.owner = partitions.owner_of(cursor, f'"{self.table}"')
        self.indexes = _indexes(cursor, self.table)
        self.foreign_keys = _rows(cursor, FOREIGN_KEYS, self.table)
        self.triggers = _rows(cursor, TRIGGERS, self.table)

    def apply(self, cursor: CursorWrapper, primary_key: str, indexes: list[_Index]) -> None:
        """Give the primary key, these indexes and all else but the triggers to a new table of the same name."""
        table = self.table
        cursor.execute(f'ALTER TABLE "{table}" ADD CONSTRAINT "{table}_pkey" PRIMARY KEY ({primary_key})')
        if self.next_id is not None:
            identity = f"GENERATED BY DEFAULT AS IDENTITY (START WITH {self.next_id})"
            cursor.execute(f'ALTER TABLE "{table}" ALTER "{self.pk}" ADD {identity}')
        for index in indexes:
            index.create(cursor, table)
        for name, definition in self.foreign_keys:
            cursor.execute(f'ALTER TABLE "{table}" ADD CONSTRAINT "{name}" {definition}')

    def create_triggers(self, cursor: CursorWrapper) -> None:
        """Create the triggers, which name the table."""
        for _name, definition in self.triggers:
            cursor.execute(definition)


def _indexes(cursor: CursorWrapper, table: str) -> list[_Index]:
    """Return the indexes but the primary key's."""
    return [_Index(*row) for row in _rows(cursor, INDEXES, table)]


def _rows(cursor: CursorWrapper, query: str, table: str) -> list[tuple[Any, ...]]:
    cursor.execute(query, [f'"{table}"'])
    found: list[tuple[Any, ...]] = cursor.fetchall()
    return found

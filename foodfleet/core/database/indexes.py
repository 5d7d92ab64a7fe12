"""Indexes on large tables, built without locking out writers.

In a migration, use AddIndexOnline and RemoveIndexOnline instead of Django's AddIndex and RemoveIndex, and set
`atomic = False` on the Migration class, with no other operation in it: PostgreSQL builds an index CONCURRENTLY only
outside of a transaction. Trigram indexes (`GinIndex(..., opclasses=["gin_trgm_ops"])`) take AddTrigramIndexOnline:
databases other than PostgreSQL have no such index and are left without it, and every other index is built there.

PostgreSQL cannot build or drop an index of a partitioned table CONCURRENTLY. There the index is built for one partition
after the other, and dropped under a short lock. RemoveConstraintOnline drops constraints under one, on any table.
"""

from collections.abc import Callable

import structlog
from django.contrib.postgres.indexes import PostgresIndex
from django.db import NotSupportedError, OperationalError, ProgrammingError
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations import AddIndex, RemoveConstraint, RemoveIndex
from django.db.migrations.state import ProjectState
from django.db.models import Index, Model

from foodfleet.core.database import short_locks
from foodfleet.core.database.partitioning import is_partitioned

logger = structlog.get_logger(__name__)
IS_VALID = "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(%s)"
WITHOUT_INDEX = """
SELECT relname FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
WHERE inhparent = to_regclass(%s) AND NOT EXISTS (
    SELECT 1 FROM pg_index JOIN pg_inherits attached ON attached.inhrelid = indexrelid
    WHERE indrelid = pg_class.oid AND attached.inhparent = to_regclass(%s)
) ORDER BY relname
"""
LONGEST_NAME = 63


class AddIndexOnline(AddIndex):
    """AddIndex that uses CREATE INDEX CONCURRENTLY on PostgreSQL.

    A migration that is not atomic may be interrupted after an index is built, so an index that is there is left alone.
    """

    atomic = False

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """Build the index."""
        model = to_state.apps.get_model(app_label, self.model_name)
        if self.allow_migrate_model(schema_editor.connection.alias, model):
            _add(schema_editor, model, self.index)

    def database_backwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """Remove the index."""
        model = from_state.apps.get_model(app_label, self.model_name)
        if self.allow_migrate_model(schema_editor.connection.alias, model):
            _remove(schema_editor, model, self.index)


class AddTrigramIndexOnline(AddIndexOnline):
    """AddIndexOnline for an index with `gin_trgm_ops`. Creates the extension pg_trgm if the role may.

    If it may not, the migration continues without the index and logs a warning: search works without it, but is slow on
    large tables. `docs/users.md` says what to run afterwards.
    """

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """Build the index if the database has trigram indexes."""
        if schema_editor.connection.vendor != "postgresql" or _has_trigrams(schema_editor.connection):
            super().database_forwards(app_label, schema_editor, from_state, to_state)
        else:
            logger.warning("trigram_index_left_out", index=self.index.name, reason="extension pg_trgm is missing")


class RemoveIndexOnline(RemoveIndex):
    """RemoveIndex that uses DROP INDEX CONCURRENTLY on PostgreSQL."""

    atomic = False

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """Remove the index."""
        model = from_state.apps.get_model(app_label, self.model_name)
        if self.allow_migrate_model(schema_editor.connection.alias, model):
            _remove(schema_editor, model, self._index_in(from_state, app_label))

    def database_backwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """Build the index again."""
        model = to_state.apps.get_model(app_label, self.model_name)
        if self.allow_migrate_model(schema_editor.connection.alias, model):
            _add(schema_editor, model, self._index_in(to_state, app_label))

    def _index_in(self, state: ProjectState, app_label: str) -> Index:
        index: Index = state.models[app_label, self.model_name_lower].get_index_by_name(self.name)
        return index


class RemoveConstraintOnline(RemoveConstraint):
    """RemoveConstraint that locks the table for a moment, and gives up if it would have to wait long for that.

    Reversing it locks out writers while the rows are checked or, if it is unique, its index is built.
    """

    atomic = False

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """Remove the constraint if it is there."""
        model = from_state.apps.get_model(app_label, self.model_name)
        if _has_constraint(schema_editor, model, self.name):
            run = super().database_forwards
            _under_a_short_lock(schema_editor, lambda: run(app_label, schema_editor, from_state, to_state))

    def database_backwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """Add the constraint again."""
        model = to_state.apps.get_model(app_label, self.model_name)
        if not _has_constraint(schema_editor, model, self.name):
            run = super().database_backwards
            _under_a_short_lock(schema_editor, lambda: run(app_label, schema_editor, from_state, to_state))


def _has_trigrams(connection: BaseDatabaseWrapper) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_extension WHERE extname = 'pg_trgm'")
        if cursor.fetchone():
            return True
        try:
            cursor.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
        except (OperationalError, ProgrammingError, NotSupportedError):  # no right to, or not installed on the server
            return False
    return True


def _add(schema_editor: BaseDatabaseSchemaEditor, model: type[Model], index: Index) -> None:
    connection = schema_editor.connection
    if connection.vendor != "postgresql":
        if not isinstance(index, PostgresIndex) and not _has_constraint(schema_editor, model, index.name):
            schema_editor.add_index(model, index)
        return
    _check_outside_transaction(schema_editor)
    if is_partitioned(connection, model._meta.db_table):
        _add_to_partitions(schema_editor, model, index)
        return
    with connection.cursor() as cursor:
        cursor.execute(IS_VALID, [schema_editor.quote_name(index.name)])
        is_valid = cursor.fetchone()
        if is_valid == (True,):
            return
        if is_valid:  # left by a build that was interrupted
            schema_editor.remove_index(model, index, concurrently=True)  # type: ignore[call-arg]
        schema_editor.add_index(model, index, concurrently=True)  # type: ignore[call-arg]


def _remove(schema_editor: BaseDatabaseSchemaEditor, model: type[Model], index: Index) -> None:
    connection = schema_editor.connection
    if connection.vendor != "postgresql":
        # The migration may have been interrupted; one for PostgreSQL is there where Django rebuilt a table of SQLite.
        schema_editor.execute(f"DROP INDEX IF EXISTS {schema_editor.quote_name(index.name)}")
        return
    _check_outside_transaction(schema_editor)
    if is_partitioned(connection, model._meta.db_table):
        short_locks.run(connection, lambda _: schema_editor.remove_index(model, index))
    else:
        schema_editor.remove_index(model, index, concurrently=True)  # type: ignore[call-arg]


def _has_constraint(schema_editor: BaseDatabaseSchemaEditor, model: type[Model], name: str) -> bool:
    """Return whether the table has a constraint or an index of this name. Django's introspection gives both as one."""
    connection = schema_editor.connection
    with connection.cursor() as cursor:
        return name in connection.introspection.get_constraints(cursor, model._meta.db_table)


def _under_a_short_lock(schema_editor: BaseDatabaseSchemaEditor, work: Callable[[], None]) -> None:
    if schema_editor.connection.vendor != "postgresql":
        work()
        return
    _check_outside_transaction(schema_editor)
    short_locks.run(schema_editor.connection, lambda _: work())


def _add_to_partitions(schema_editor: BaseDatabaseSchemaEditor, model: type[Model], index: Index) -> None:
    """Build the index of each partition, and with the last one that of the table becomes valid."""
    quote, table = schema_editor.quote_name, schema_editor.quote_name(model._meta.db_table)
    parent = quote(index.name)
    rest = str(index.create_sql(model, schema_editor)).partition(f" ON {table}")[2]
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(f"CREATE INDEX IF NOT EXISTS {parent} ON ONLY {table}{rest}")
        cursor.execute(WITHOUT_INDEX, [table, parent])
        for (partition,) in cursor.fetchall():
            own = quote(f"{index.name}_{partition.removeprefix(model._meta.db_table).strip('_')}"[:LONGEST_NAME])
            cursor.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {own}")  # left by a build that was interrupted
            cursor.execute(f"CREATE INDEX CONCURRENTLY {own} ON {quote(partition)}{rest}")
            cursor.execute(f"ALTER INDEX {parent} ATTACH PARTITION {own}")


def _check_outside_transaction(schema_editor: BaseDatabaseSchemaEditor) -> None:
    if schema_editor.connection.in_atomic_block and not schema_editor.collect_sql:  # sqlmigrate executes nothing
        raise NotSupportedError("Set `atomic = False` on a migration with an operation that works online.")

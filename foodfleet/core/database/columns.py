"""Columns in migrations that are not atomic: these may be interrupted before they are recorded, and run again.

Each operation is a transaction of its own, which does not wait long for its locks.
"""

from collections.abc import Callable
from typing import Any

from django.db import transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations import AddField, AlterField, RemoveField
from django.db.migrations.state import ProjectState
from django.db.models import Model

from foodfleet.core.database import short_locks

ORPHANS = "DELETE FROM {table} WHERE NOT EXISTS (SELECT 1 FROM {referred} WHERE {referred}.{key} = {table}.{column})"


class AddFieldOnce(AddField):
    """AddField that leaves a column alone that is there."""

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """Add the column if it is missing."""
        if not _has_column(schema_editor.connection, to_state.apps.get_model(app_label, self.model_name), self.name):
            add = super().database_forwards
            _run(schema_editor, lambda: add(app_label, schema_editor, from_state, to_state))

    def database_backwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """Remove the column if it is there."""
        if _has_column(schema_editor.connection, from_state.apps.get_model(app_label, self.model_name), self.name):
            super().database_backwards(app_label, schema_editor, from_state, to_state)


class RemoveFieldOnce(RemoveField):
    """RemoveField that does nothing if the column is missing."""

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """Remove the column if it is there."""
        if _has_column(schema_editor.connection, from_state.apps.get_model(app_label, self.model_name), self.name):
            remove = super().database_forwards
            _run(schema_editor, lambda: remove(app_label, schema_editor, from_state, to_state))


class DropForeignKey(AlterField):
    """AlterField to `db_constraint=False`. Reversing it first deletes the rows that refer to no row."""

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """Drop the constraint."""
        alter = super().database_forwards
        _run(schema_editor, lambda: alter(app_label, schema_editor, from_state, to_state))

    def database_backwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """Add the constraint again, if it is missing."""
        model, quote = to_state.apps.get_model(app_label, self.model_name), schema_editor.quote_name
        field: Any = model._meta.get_field(self.name)
        if _is_enforced(schema_editor.connection, model, field.column):
            return
        orphans = ORPHANS.format(
            table=quote(model._meta.db_table),
            column=quote(field.column),
            referred=quote(field.related_model._meta.db_table),
            key=quote(field.target_field.column),
        )
        alter = super().database_forwards

        def add() -> None:
            schema_editor.execute(orphans)
            alter(app_label, schema_editor, from_state, to_state)

        _run(schema_editor, add)


def _run(schema_editor: BaseDatabaseSchemaEditor, work: Callable[[], None]) -> None:
    if schema_editor.connection.vendor == "postgresql":
        short_locks.run(schema_editor.connection, lambda _: work())
    else:
        with transaction.atomic(using=schema_editor.connection.alias):
            work()


def _is_enforced(connection: BaseDatabaseWrapper, model: type[Model], column: str) -> bool:
    with connection.cursor() as cursor:
        constraints = connection.introspection.get_constraints(cursor, model._meta.db_table)
    return any(one["foreign_key"] and one["columns"] == [column] for one in constraints.values())


def _has_column(connection: BaseDatabaseWrapper, model: type[Model], name: str) -> bool:
    with connection.cursor() as cursor:
        columns = connection.introspection.get_table_description(cursor, model._meta.db_table)
    return name in {column.name for column in columns}

"""Columns in migrations that are not atomic: these may be interrupted before they are recorded, and run again."""

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations import AddField, RemoveField
from django.db.migrations.state import ProjectState
from django.db.models import Model


class AddFieldOnce(AddField):
    """AddField that leaves a column alone that is there."""

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """Add the column if it is missing."""
        if not _has_column(schema_editor.connection, to_state.apps.get_model(app_label, self.model_name), self.name):
            super().database_forwards(app_label, schema_editor, from_state, to_state)


class RemoveFieldOnce(RemoveField):
    """RemoveField that does nothing if the column is missing."""

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """Remove the column if it is there."""
        if _has_column(schema_editor.connection, from_state.apps.get_model(app_label, self.model_name), self.name):
            super().database_forwards(app_label, schema_editor, from_state, to_state)


def _has_column(connection: BaseDatabaseWrapper, model: type[Model], name: str) -> bool:
    with connection.cursor() as cursor:
        columns = connection.introspection.get_table_description(cursor, model._meta.db_table)
    return name in {column.name for column in columns}

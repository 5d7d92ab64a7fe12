"""Compare the tables in the database with those that the code expects."""

from django.db import connections
from django.db.models import Model


def are_current(*models: type[Model], using: str) -> bool:
    """Return whether each model has its table with all columns.

    Not after `migrate <app> zero` or a migration to an older state. Django sends `post_migrate` then too, and receivers
    that use these models must not run.
    """
    introspection = connections[using].introspection
    with connections[using].cursor() as cursor:
        tables = set(introspection.table_names(cursor))
        for model in models:
            meta = model._meta
            if meta.db_table not in tables:
                return False
            columns = {column.name for column in introspection.get_table_description(cursor, meta.db_table)}
            if not columns.issuperset(field.column for field in meta.local_concrete_fields):
                return False
    return True

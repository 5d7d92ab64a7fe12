"""Indexes that are built while others write."""

from importlib import import_module
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.postgres.indexes import GinIndex
from django.db import NotSupportedError, connection
from django.db.migrations import AddIndex, CreateModel, RemoveIndex
from django.db.migrations.state import ModelState, ProjectState
from django.db.models import Index, Q, UniqueConstraint
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from foodfleet.core.database import short_locks
from foodfleet.core.database.indexes import AddIndexOnline, RemoveConstraintOnline, RemoveIndexOnline

NAME = "test_online_index"
pytestmark = pytest.mark.django_db(transaction=True)


def apply(index, operation, *, backwards=False, atomic=False):
    """Run one operation against the users' table; returns its SQL."""
    state = ProjectState()
    fields = [("id", User._meta.pk.clone()), ("phone", User._meta.get_field("phone").clone())]
    state.add_model(ModelState("accounts", "User", fields, {"indexes": [], "db_table": User._meta.db_table}))
    with_index = state.clone()
    add = with_index.add_index if isinstance(index, Index) else with_index.add_constraint
    add("accounts", "user", index)
    before, after = (state, with_index) if isinstance(operation, AddIndex) else (with_index, state)
    with (
        CaptureQueriesContext(
            connection,
        ) as queries,
        connection.schema_editor(atomic=atomic) as editor,
    ):
        if backwards:
            operation.database_backwards("accounts", editor, after, before)
        else:
            operation.database_forwards("accounts", editor, before, after)
    return [query["sql"] for query in queries]


def indexes():
    with connection.cursor() as cursor:
        return connection.introspection.get_constraints(cursor, User._meta.db_table)


@pytest.fixture
def index():
    yield Index(fields=["phone"], name=NAME)
    with connection.cursor() as cursor:
        cursor.execute(f"DROP INDEX IF EXISTS {NAME}")


def test_an_index_is_built_and_removed_in_both_directions(index):
    add, remove = AddIndexOnline("user", index), RemoveIndexOnline("user", NAME)
    apply(index, add)
    assert NAME in indexes()
    apply(index, remove)
    assert NAME not in indexes()
    apply(index, remove, backwards=True)
    assert NAME in indexes()
    apply(index, add, backwards=True)
    assert NAME not in indexes()


def test_a_migration_of_indexes_can_be_repeated_after_an_interruption(index):
    add, remove = AddIndexOnline("user", index), RemoveIndexOnline("user", NAME)
    for _ in range(2):
        apply(index, add)
    assert NAME in indexes()
    for _ in range(2):
        apply(index, remove)
    assert NAME not in indexes()


@pytest.mark.postgres
def test_an_index_does_not_lock_out_writers(index):
    assert any("CREATE INDEX CONCURRENTLY" in sql for sql in apply(index, AddIndexOnline("user", index)))
    assert any("DROP INDEX CONCURRENTLY" in sql for sql in apply(index, RemoveIndexOnline("user", NAME)))


@pytest.mark.postgres
def test_an_interrupted_index_build_can_be_repeated(index):
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE INDEX {NAME} ON {User._meta.db_table} (phone)")
        cursor.execute(f"UPDATE pg_index SET indisvalid = false WHERE indexrelid = '{NAME}'::regclass")
    apply(index, AddIndexOnline("user", index))
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT indisvalid FROM pg_index WHERE indexrelid = '{NAME}'::regclass")
        assert cursor.fetchone() == (True,)


@pytest.mark.postgres
def test_an_online_index_in_a_transaction_is_refused(index):
    with pytest.raises(NotSupportedError, match="atomic = False"):
        apply(index, AddIndexOnline("user", index), atomic=True)


@pytest.fixture
def constraint(index):
    """A constraint of the table. It has the name of the index, with which it goes away."""
    added = UniqueConstraint(fields=["phone"], name=NAME, condition=~Q(phone=None))
    apply(added, RemoveConstraintOnline("user", NAME), backwards=True)
    return added


def test_a_constraint_is_removed_in_both_directions_and_again(constraint):
    remove = RemoveConstraintOnline("user", NAME)
    for _ in range(2):
        apply(constraint, remove)
        assert NAME not in indexes()
    for _ in range(2):
        apply(constraint, remove, backwards=True)
        assert indexes()[NAME]["unique"]


@pytest.mark.postgres
def test_a_constraint_of_a_table_in_use_is_removed_later(constraint, monkeypatch):
    """Others do not queue behind the lock for longer than one try."""
    reader = connection.copy()
    reader.set_autocommit(False)
    with reader.cursor() as cursor:
        cursor.execute(f"SELECT 1 FROM {User._meta.db_table}")
    monkeypatch.setattr(short_locks, "LONGEST_WAIT", "50ms")
    monkeypatch.setattr(short_locks, "sleep", lambda seconds: reader.close())
    sql = apply(constraint, RemoveConstraintOnline("user", NAME))
    assert len([statement for statement in sql if "DROP INDEX" in statement]) == 2
    assert NAME not in indexes()


@pytest.mark.postgres
def test_a_constraint_in_a_transaction_is_refused(constraint):
    with pytest.raises(NotSupportedError, match="atomic = False"):
        apply(constraint, RemoveConstraintOnline("user", NAME), atomic=True)


def test_a_trigram_index_is_left_out_of_other_databases():
    if connection.vendor == "postgresql":
        pytest.skip("about SQLite")
    trigrams = GinIndex(fields=["phone"], name=NAME, opclasses=["gin_trgm_ops"])
    apply(trigrams, AddIndexOnline("user", trigrams))
    assert NAME not in indexes()
    apply(trigrams, AddIndexOnline("user", trigrams), backwards=True)


@pytest.mark.parametrize("app", ["accounts", "notifications", "rbac"])
def test_no_migration_locks_a_table_for_an_index(app):
    for path in sorted((Path(settings.BASE_DIR) / app / "migrations").glob("0*.py")):
        operations = import_module(f"{app}.migrations.{path.stem}").Migration.operations
        new = {operation.name_lower for operation in operations if isinstance(operation, CreateModel)}
        for operation in operations:
            if isinstance(operation, AddIndex | RemoveIndex) and operation.model_name.lower() not in new:
                assert isinstance(operation, AddIndexOnline | RemoveIndexOnline), path.name

"""Statements that are built once, and that PostgreSQL plans once for each connection."""

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from foodfleet.core.database.compiled import Compiled

pytestmark = [pytest.mark.both, pytest.mark.django_db(transaction=True)]
USERS = Compiled(lambda email: User.objects.filter(email=email).order_by("pk"), email=str)
FIRST = Compiled(
    lambda name, limit: User.objects.filter(first_name=name, last_name="100%s").order_by("email")[:limit],
    name=str,
    limit=int,
)


@pytest.fixture(autouse=True)
def user():
    connection.close()  # a new connection has nothing prepared
    return User.objects.create(email="ann@fleet.example", first_name="Ann")


def prepared(column="count(*)"):
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {column} FROM pg_prepared_statements WHERE statement LIKE '%accounts_user%'")
        return cursor.fetchone()[0]


def test_a_statement_returns_rows_for_each_value(user):
    assert USERS.rows(email=user.email) == [user]
    assert USERS.rows(email="bob@fleet.example") == []
    assert [row[0] for row in USERS.tuples(email=user.email)] == [user.pk]


def test_a_statement_returns_as_many_rows_as_its_limit(user):
    names = [f"{letter}@fleet.example" for letter in "cba"]
    User.objects.bulk_create(User(email=name, first_name="Bob", last_name="100%s") for name in names)
    assert [len(FIRST.rows(name="Bob", limit=limit)) for limit in (2, 0, 9)] == [2, 0, 3]
    assert [row.email for row in FIRST.rows(name="Bob", limit=1)] == [min(names)]
    assert FIRST.rows(name=user.first_name, limit=1) == []


def test_a_captured_statement_has_its_values(user):
    with CaptureQueriesContext(connection) as queries:
        FIRST.rows(name="Bob", limit=7)
    assert queries[0]["sql"].endswith("LIMIT 7")
    assert "100%s" in queries[0]["sql"]


@pytest.mark.postgres
def test_constants_are_part_of_a_prepared_statement():
    FIRST.rows(name="Bob", limit=7)
    statement = prepared("statement")
    assert "'100%s'" in statement
    assert "LIMIT $2" in statement


@pytest.mark.postgres
def test_a_statement_is_prepared_once_for_a_connection(user):
    for _ in range(3):
        assert USERS.rows(email=user.email) == [user]
    assert prepared() == 1


@pytest.mark.postgres
def test_a_statement_works_after_a_rollback(user):
    with transaction.atomic():
        USERS.rows(email=user.email)
        transaction.set_rollback(True)
    assert USERS.rows(email=user.email) == [user]


@pytest.mark.postgres
def test_a_statement_works_after_a_column_changed_its_type(user):
    USERS.rows(email=user.email)
    other = connection.copy()  # of a migration, while this connection stays
    with other.cursor() as cursor:
        try:
            cursor.execute("ALTER TABLE accounts_user ALTER COLUMN first_name TYPE varchar(151)")
            assert USERS.rows(email=user.email) == [user]
            assert USERS.rows(email=user.email) == [user]
        finally:
            cursor.execute("ALTER TABLE accounts_user ALTER COLUMN first_name TYPE varchar(150)")
            other.close()

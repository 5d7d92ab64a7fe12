"""Statements that are built once, and that PostgreSQL plans once for each connection."""

import pytest
from django.db import connection, transaction

from accounts.models import User
from foodfleet.core.database.compiled import Compiled

pytestmark = [pytest.mark.both, pytest.mark.django_db(transaction=True)]
USERS = Compiled(lambda email: User.objects.filter(email=email).order_by("pk"), email=str)


@pytest.fixture(autouse=True)
def user():
    connection.close()  # a new connection has nothing prepared
    return User.objects.create(email="ann@fleet.example", first_name="Ann")


def prepared():
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE '%accounts_user%'")
        return cursor.fetchone()[0]


def test_a_statement_returns_rows_for_each_value(user):
    assert USERS.rows(email=user.email) == [user]
    assert USERS.rows(email="bob@fleet.example") == []
    assert [row[0] for row in USERS.tuples(email=user.email)] == [user.pk]


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

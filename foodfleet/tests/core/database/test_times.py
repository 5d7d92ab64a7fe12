"""Times that PostgreSQL writes are read as Django's own loader reads them, by a shorter way for UTC."""

from datetime import UTC, datetime

import pytest
from django.db import DataError, connection
from django.db.backends.postgresql.psycopg_any import BaseTzLoader

from foodfleet.core.database.postgres.base import TimestampLoader

pytestmark = [pytest.mark.postgres, pytest.mark.django_db]
TIMES = [
    "2026-11-27 18:30:00+00", "2026-11-27 18:30:00.5+00", "2026-11-27 18:30:00.000001+00", "0001-01-01 00:00:00+00",
    "9999-12-31 23:59:59.999999+00", "2026-11-27 18:30:00+02", "2026-11-27 18:30:00-03:30",
]  # fmt: skip


def read(literal):
    with connection.cursor() as cursor:
        cursor.execute("SELECT %s::timestamptz", [literal])
        return cursor.fetchone()[0]


def test_connections_read_times_in_utc_by_the_shorter_way(monkeypatch):
    monkeypatch.setattr(BaseTzLoader, "load", lambda loader, data: pytest.fail("the longer way"))
    assert read("2026-11-27 18:30:00.25+01") == datetime(2026, 11, 27, 17, 30, 0, 250000, tzinfo=UTC)


@pytest.mark.parametrize("literal", TIMES)
def test_a_time_is_read_as_django_reads_it(literal):
    found = read(literal)
    django = type("Django", (BaseTzLoader,), {"timezone": UTC})
    for one in (literal.encode(), memoryview(literal.encode())):
        ours, theirs = (loader(0, connection.connection).load(one) for loader in (TimestampLoader, django))
        assert (ours, ours.tzinfo) == (theirs, theirs.tzinfo)
    assert found == datetime.fromisoformat(literal)
    assert found.tzinfo is UTC


@pytest.mark.parametrize("literal", ["infinity", "-infinity", "0044-03-15 00:00:00+00 BC", "10000-01-01 00:00:00+00"])
def test_a_time_that_python_does_not_have_is_a_data_error(literal):
    with pytest.raises(DataError):
        read(literal)

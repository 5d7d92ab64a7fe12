"""Tables in partitions by month: how one in use gets there, and what becomes of new months, old ones and indexes."""

import threading
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import psycopg
import pytest
from django.apps import apps
from django.db import connection, transaction
from django.db.models import Index
from django.utils import timezone
from psycopg.conninfo import make_conninfo

from accounts.models import SecurityEvent
from foodfleet.core.database import partitions, short_locks
from foodfleet.core.database.indexes import AddIndexOnline

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]
TABLE = SecurityEvent._meta.db_table
STATE = SimpleNamespace(apps=apps)
MAY = datetime(2031, 5, 10, tzinfo=UTC)


def ask(query, *parameters):
    with connection.cursor() as cursor:
        cursor.execute(query, parameters)
        return cursor.fetchall()


@pytest.fixture
def plain(event_partitions):
    """The table before the migration, with 300 rows of three years."""
    event_partitions.merge()
    now = timezone.now()
    SecurityEvent.objects.bulk_create(
        SecurityEvent(kind="locked", created_at=now - timedelta(days=4 * n), details={"n": n}) for n in range(300)
    )
    return event_partitions


def rows():
    return set(SecurityEvent.objects.values_list("pk", "created_at", "kind", "details__n"))


def files():
    """The files of the table and its indexes that hold the rows: a new one would mean that rows were copied."""
    query = """SELECT pg_relation_filenode(t.oid), array_agg(pg_relation_filenode(indexrelid) ORDER BY indexrelid)
    FROM pg_class t JOIN pg_index ON indrelid = t.oid AND NOT indisprimary AND indexrelid::regclass::text NOT LIKE '%%_key'
    WHERE t.relname = %s GROUP BY t.oid"""
    return ask(query, TABLE) if partitions.of(SecurityEvent) == [] else ask(query, f"{TABLE}_before")


def names():
    return [one.name.removeprefix(f"{TABLE}_") for one in partitions.of(SecurityEvent)]


class Writer(threading.Thread):
    """Inserts rows, one transaction each, and waits for no lock longer than three seconds."""

    def __init__(self, url):
        super().__init__()
        self.url, self.written, self.error, self.over = url, 0, None, threading.Event()

    def run(self):
        insert = f"INSERT INTO {TABLE} (kind, created_at, user_agent, request_id, details) VALUES ('writer', now(), '', '', '{{}}')"
        try:
            with psycopg.connect(self.url, autocommit=True, options="-c lock_timeout=3s") as session:
                while not self.over.is_set():
                    session.execute(insert)
                    self.written += 1
        except psycopg.Error as error:
            self.error = error

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *error):
        self.over.set()
        self.join()


@pytest.fixture
def url():
    """How to connect to the tests' database without Django."""
    parameters = connection.get_connection_params()
    return make_conninfo(**{name: parameters.get(name, "") for name in ("host", "port", "user", "password", "dbname")})


def interrupt(execute, sql, parameters, many, context):
    if "ATTACH PARTITION" in sql:
        raise KeyboardInterrupt
    return execute(sql, parameters, many, context)


def test_a_table_in_use_is_partitioned_without_locking_anybody_out(plain, url, monkeypatch):
    """A reader keeps its transaction open at each of the two times in which the table is locked."""
    before, stored, pauses, locks, notices = rows(), files(), [], [], []
    reader = psycopg.connect(url)

    def pause(seconds):
        pauses.append(seconds)
        if len(pauses) % 2 == 0:
            reader.commit()

    def watch(execute, sql, parameters, many, context):
        if "VALIDATE" in sql:
            with transaction.atomic():
                result = execute(sql, parameters, many, context)
                locks.extend(
                    ask("SELECT mode FROM pg_locks WHERE pid = pg_backend_pid() AND relation = %s::regclass", TABLE)
                )
            reader.execute(f"SELECT 1 FROM {TABLE}")
            return result
        if "ATTACH PARTITION" in sql and "MINVALUE" in sql:
            execute("SET LOCAL client_min_messages = debug1", None, False, context)
        return execute(sql, parameters, many, context)

    monkeypatch.setattr(short_locks, "LONGEST_WAIT", "50ms")
    monkeypatch.setattr(short_locks, "sleep", pause)
    connection.connection.add_notice_handler(lambda notice: notices.append(notice.message_primary))
    with reader, Writer(url) as writer, connection.execute_wrapper(watch):
        reader.execute(f"SELECT 1 FROM {TABLE}")
        plain.partition()
    assert (len(pauses), writer.error) == (4, None)
    assert {mode for (mode,) in locks} <= {"AccessShareLock", "ShareUpdateExclusiveLock"}
    implied = f'partition constraint for table "{TABLE}_before" is implied by existing constraints'
    assert implied in notices  # or every row would have been read under the lock
    assert files() == stored
    after = rows()
    assert before < after
    assert len({pk for pk, *_ in after}) == len(before) + writer.written == len(after)
    assert names()[0] == "before"
    plain.merge()
    assert rows() == after


def test_an_interrupted_partitioning_refuses_no_row_and_can_be_repeated(plain):
    before = rows()

    with pytest.raises(KeyboardInterrupt), connection.execute_wrapper(interrupt):
        plain.partition()
    assert rows() == before
    SecurityEvent.objects.create(kind="locked", created_at=MAY)
    plain.partition()
    plain.partition()
    assert rows() > before
    assert names()[-1] == "default"


def test_months_are_made_ahead_and_rows_beyond_them_are_stored_too(event_partitions):
    for _twice in range(2):
        partitions.make_ahead(SecurityEvent, MAY)
    assert names()[-5:] == ["2031_05", "2031_06", "2031_07", "2031_08", "default"]
    times = [
        datetime(2031, 5, 31, 23, 59, 59, tzinfo=UTC),
        datetime(2031, 6, 1, tzinfo=UTC),
        datetime(2031, 9, 1, tzinfo=UTC),
    ]
    SecurityEvent.objects.bulk_create(SecurityEvent(kind="locked", created_at=time) for time in times)
    stored = ask(f"SELECT tableoid::regclass::text FROM {TABLE} ORDER BY created_at")
    assert [name.removeprefix(f"{TABLE}_") for (name,) in stored] == ["2031_05", "2031_06", "default"]
    partitions.make_ahead(SecurityEvent, datetime(2031, 9, 2, tzinfo=UTC))
    assert names()[-4:] == ["2031_10", "2031_11", "2031_12", "default"]
    assert list(SecurityEvent.objects.order_by("created_at").values_list("created_at", flat=True)) == times


def test_a_partition_that_others_use_is_dropped_later(event_partitions, url, monkeypatch):
    monkeypatch.setattr(short_locks, "LONGEST_WAIT", "50ms")
    partitions.make_ahead(SecurityEvent, MAY)
    with psycopg.connect(url) as reader:
        reader.execute(f"SELECT 1 FROM {TABLE}")
        partitions.drop_older(SecurityEvent, datetime(2031, 7, 1, tzinfo=UTC))
        assert "2031_06" in names()
    partitions.drop_older(SecurityEvent, datetime(2031, 7, 1, tzinfo=UTC))
    assert names() == ["2031_07", "2031_08", "default"]


def test_months_are_made_also_when_all_were_dropped(event_partitions):
    partitions.drop_older(SecurityEvent, MAY)
    assert names() == ["default"]
    partitions.make_ahead(SecurityEvent, MAY)
    assert names() == ["2031_05", "2031_06", "2031_07", "2031_08", "default"]


def test_an_index_is_built_for_one_partition_after_the_other(event_partitions):
    build = AddIndexOnline("securityevent", Index(fields=["request_id"], name="test_online_index"))
    with connection.schema_editor(atomic=False) as editor:
        with pytest.raises(KeyboardInterrupt), connection.execute_wrapper(interrupt):
            build.database_forwards("accounts", editor, STATE, STATE)
        build.database_forwards("accounts", editor, STATE, STATE)
        partitions.make_ahead(SecurityEvent, MAY)
        query = """SELECT indisvalid FROM pg_index JOIN pg_attribute ON attrelid = indexrelid
            WHERE attname = 'request_id' AND indrelid::regclass::text LIKE 'accounts_securityevent%%'"""
        assert ask(query) == [(True,)] * (len(names()) + 1)
        build.database_backwards("accounts", editor, STATE, STATE)
    assert ask(query) == []

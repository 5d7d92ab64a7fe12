"""The test databases: written without waiting for the disk, and put back as the migrations left them after a test."""

import fcntl
import shutil
import tempfile
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from threading import BoundedSemaphore
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
from django.apps import apps
from django.db import connection, transaction
from django.test import TransactionTestCase
from django.utils import timezone
from psycopg import OperationalError

from foodfleet.core.cache import lease
from foodfleet.core.database.postgres import driver
from foodfleet.core.database.postgres.base import DatabaseWrapper
from foodfleet.tests import environment, processes

ADMIN_URL = urlsplit(environment.POSTGRES_URL)._replace(path="/postgres").geturl()
DATABASE = urlsplit(environment.POSTGRES_URL).path.lstrip("/")
MIGRATED = f"{DATABASE}_migrated"
NOW = timezone.now
MOST_CONNECTIONS = 20  # of one process that runs tests
Rows = list[tuple[Any, ...]]


def _made_once(request: pytest.FixtureRequest, name: str, make: Callable[[Path], None]) -> Path:
    """Return a file that the first process of the run makes, in the folder that all of them share."""
    folder = request.getfixturevalue("tmp_path_factory").getbasetemp()
    path = (folder.parent if environment.IS_XDIST_WORKER else folder) / name
    with path.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists():
            make(path)
    return path


@pytest.fixture(scope="session")
def migrated_file(request: pytest.FixtureRequest) -> Path:
    """A migrated SQLite database to copy; migrating one for each process and test would take half a minute of CPU."""

    def make(path: Path) -> None:
        unfinished = path.with_suffix(".unfinished")
        processes.manage("migrate", DATABASE_URL=f"sqlite:///{unfinished}")
        unfinished.rename(path)

    return _made_once(request, "migrated.sqlite3", make)


@pytest.fixture(scope="session")
def migrated_database(request: pytest.FixtureRequest) -> str:
    """The name of a migrated PostgreSQL database to copy. It stays until the next run makes it again."""

    def make(path: Path) -> None:
        processes.manage("migrate", DATABASE_URL=_copy_database(MIGRATED, "template1"))
        path.touch()

    _made_once(request, "migrated.postgres", make)
    return MIGRATED


def _copy_database(name: str, template: str) -> str:
    """Make the database anew as a copy of `template`; return its URL."""
    with psycopg.connect(ADMIN_URL, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    return urlsplit(environment.POSTGRES_URL)._replace(path=f"/{name}").geturl()


@contextmanager
def copied_database(suffix: str, template: str) -> Iterator[str]:
    """Make a database of this process, and drop it at the end; gives its URL."""
    name = f"{DATABASE}_{suffix}_{environment.WORKER}"
    yield _copy_database(name, template)
    with psycopg.connect(ADMIN_URL, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


@pytest.fixture(scope="session")
def django_db_keepdb() -> bool:
    """Have Django use the copy that `django_db_modify_db_settings` makes, rather than migrate a database."""
    return environment.IS_XDIST_WORKER


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    request: pytest.FixtureRequest, django_db_modify_db_settings_parallel_suffix: None
) -> None:
    """Keep SQLite's test database in a file: threads share it as processes share the real one.

    On PostgreSQL hundreds of threads share a few connections: see `_few_connections`.
    """
    database = connection.settings_dict
    options = database["OPTIONS"]
    if database["ENGINE"].endswith("sqlite3"):
        folder = tempfile.mkdtemp(prefix="foodfleet-test-")
        database["TEST"]["NAME"] = str(Path(folder) / f"test_{environment.WORKER}.sqlite3")
        settings = "PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF;"
        # Two hundred threads write in no order, on a machine that does other things too.
        database["OPTIONS"] = {**options, "init_command": settings, "timeout": 60}
        if environment.IS_XDIST_WORKER:
            shutil.copy(request.getfixturevalue("migrated_file"), database["TEST"]["NAME"])
    else:
        # As many threads connect at once: on a machine that does other things too, two seconds may be too short.
        fast = f"{options['options']} -c synchronous_commit=off"
        database["OPTIONS"] = {**options, "options": fast, "connect_timeout": 60}
        if environment.IS_XDIST_WORKER:
            _copy_database(database["TEST"]["NAME"], request.getfixturevalue("migrated_database"))


@pytest.fixture(scope="session", autouse=True)
def _few_connections() -> Iterator[None]:
    """Let no test take all connections of the server: a thread waits until another one's connection is gone."""
    places, connect = BoundedSemaphore(MOST_CONNECTIONS), DatabaseWrapper.get_new_connection

    def connect_in_turn(wrapper: DatabaseWrapper, parameters: dict[str, Any]) -> driver.WatchedConnection:
        if not places.acquire(timeout=60):
            raise OperationalError(f"{MOST_CONNECTIONS} connections of the tests are in use.")
        try:
            made = connect(wrapper, parameters)
        except BaseException:
            places.release()
            raise
        made.on_close = weakref.finalize(made, places.release)  # type: ignore[attr-defined]  # once, also without close
        return made

    def close(connection: driver.WatchedConnection) -> None:
        super(driver.WatchedConnection, connection).close()
        getattr(connection, "on_close", bool)()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DatabaseWrapper, "get_new_connection", connect_in_turn)
        patch.setattr(driver.WatchedConnection, "close", close)
        yield


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """Restore the rows that the migrations wrote after a test with transactions.

    Django would truncate all tables and send `post_migrate`, which takes longer than most tests.
    """
    with django_db_blocker.unblock():
        baseline = Baseline()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", lambda case: baseline.restore())
        yield
    if lease.own.url:
        lease.own.stop()
    for thread in threading.enumerate():
        if thread.name.startswith("lease"):  # it looks into the database, which is dropped next
            thread.join(10)


class MonthPartitions:
    """The tables that a migration partitions, and that migration forwards and backwards. Nothing on SQLite."""

    state: Any = SimpleNamespace(apps=apps)

    def __init__(self, app_label: str, migration: str) -> None:
        self.app_label = app_label
        self.operations = import_module(f"{app_label}.migrations.{migration}").Migration.operations

    def partition(self) -> None:
        """Run the migration."""
        with connection.schema_editor(atomic=False) as editor:
            for operation in self.operations:
                operation.database_forwards(self.app_label, editor, self.state, self.state)

    def merge(self) -> None:
        """Run the migration backwards."""
        with connection.schema_editor(atomic=False) as editor:
            for operation in self.operations:
                operation.database_backwards(self.app_label, editor, self.state, self.state)

    def restore(self) -> None:
        """Leave the tables as the migrations do, without rows, whatever a test did to their partitions."""
        for operation in self.operations:
            apps.get_model(self.app_label, operation.model_name)._default_manager.all()._raw_delete("default")
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(timezone, "now", NOW)  # a test may have set another time
            self.merge()
            self.partition()


@pytest.fixture
def event_partitions(transactional_db: None) -> Iterator[MonthPartitions]:
    """Give the partitions of security events to a test that changes them."""
    found = MonthPartitions("accounts", "0033_events_by_month")
    yield found
    found.restore()


@pytest.fixture
def message_partitions(transactional_db: None) -> Iterator[MonthPartitions]:
    """Give the partitions of messages, and of what belongs to them, to a test that changes them."""
    found = MonthPartitions("notifications", "0022_messages_by_month")
    yield found
    found.restore()


class Baseline:
    """The rows of each table after the migrations."""

    def __init__(self) -> None:
        tables = connection.introspection.django_table_names(only_existing=True, include_views=False)
        self.names = {table: connection.ops.quote_name(table) for table in tables}
        self.rows = {table: self._read(table) for table in tables}

    def restore(self) -> None:
        """Empty each table that has other rows now, and write the first ones again; foreign keys are deferred."""
        with transaction.atomic():
            filled = self._filled()
            for table, rows in self.rows.items():
                if self._read(table) != rows if rows else table in filled:
                    self._write(table)

    def _filled(self) -> set[str]:
        exists = ", ".join(f"EXISTS (SELECT 1 FROM {name})" for name in self.names.values())
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT {exists}")
            return {table for table, has_rows in zip(self.names, cursor.fetchone(), strict=True) if has_rows}

    def _read(self, table: str) -> Rows:
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT * FROM {self.names[table]} ORDER BY 1")
            return cursor.fetchall()

    def _write(self, table: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"DELETE FROM {self.names[table]}")
            if rows := self.rows[table]:
                places = ", ".join(["%s"] * len(rows[0]))
                cursor.executemany(f"INSERT INTO {self.names[table]} VALUES ({places})", rows)

"""Without Redis, SQLite itself tells whether a value may still be used."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from threading import Barrier

import pytest
from django.contrib.auth.models import Group
from django.db import connection, transaction

from foodfleet.core.cache import coherent

# `once`: in the pass on SQLite alone.
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]


@pytest.fixture
def read():
    """Read a value whose load answers 1, then 2, then 3 ..."""
    cache, loads = coherent.Cache(size=3), count(1)
    return lambda: cache.get("value", ("a",), lambda: next(loads))


def test_a_value_is_used_without_a_query_until_the_file_changes(read, django_assert_num_queries):
    with django_assert_num_queries(0):
        assert [read(), read()] == [1, 1]
    Group.objects.create(name="Crew")
    assert [read(), read()] == [2, 2]


def test_a_commit_of_another_process_makes_a_value_old(read):
    assert [read(), read()] == [1, 1]
    statement = "INSERT INTO auth_group (name) VALUES ('Crew')"
    program = f"import sqlite3; c = sqlite3.connect({connection.settings_dict['NAME']!r}); c.execute({statement!r})"
    subprocess.run([sys.executable, "-c", f"{program}; c.commit()"], check=True)
    assert [read(), read()] == [2, 2]


def test_a_commit_of_another_thread_makes_a_value_old(read):
    assert [read(), read()] == [1, 1]

    def write():
        Group.objects.create(name="Crew")
        connection.close()

    with ThreadPoolExecutor(1) as pool:
        pool.submit(write).result()
    assert [read(), read()] == [2, 2]


def test_nothing_is_kept_of_a_transaction_that_is_rolled_back(read):
    with transaction.atomic():
        Group.objects.create(name="Crew")
        assert [read(), read()] == [1, 2]
        transaction.set_rollback(True)
    assert [read(), read()] == [3, 3]


def test_a_new_connection_makes_values_old(read):
    assert [read(), read()] == [1, 1]
    connection.close()
    assert [read(), read()] == [2, 2]


def test_no_thread_reads_a_value_older_than_the_last_commit():
    """Readers fill the cache while a writer commits: after each commit everybody reads what it wrote."""
    cache, threads, rounds = coherent.Cache(size=3), 4, 40
    group = Group.objects.create(name="0")
    before, after = Barrier(threads + 1), Barrier(threads + 1)

    def name():
        return int(cache.get("name", ("a",), lambda: Group.objects.get(pk=group.pk).name))

    def reader():
        stale = 0
        for number in range(1, rounds + 1):
            name()
            before.wait()
            name()  # while the writer commits
            after.wait()
            stale += name() < number
        connection.close()
        return stale

    with ThreadPoolExecutor(threads) as pool:
        readers = [pool.submit(reader) for _ in range(threads)]
        for number in range(1, rounds + 1):
            before.wait()
            Group.objects.filter(pk=group.pk).update(name=str(number))
            after.wait()
        assert [one.result() for one in readers] == [0] * threads

"""Values in the memory of a process: what is cached is never used after a change."""

import os
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from threading import Event
from uuid import uuid4

import pytest
from django.core.signals import request_started
from django.db import DatabaseError, transaction

from accounts.models import User
from foodfleet.core.cache import announcements, changes, coherent, commits, lease, shared
from foodfleet.core.models import CacheVersion
from foodfleet.tests.core.cache import leases

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def cache():
    leases.wait_for_lease()
    return coherent.Cache(size=3)


@pytest.fixture
def read(cache):
    """Read a value whose load answers 1, then 2, then 3 ..."""
    loads = count(1)
    return lambda *keys, name="value": cache.get(name, keys or ("a", "b"), lambda: next(loads))


def announcements_made():
    return int(shared.client().hget(announcements.REGISTRY, "number") or 0)


@pytest.mark.redis
def test_a_value_is_used_until_one_of_its_keys_is_invalidated(read):
    assert [read(), read()] == [1, 1]
    coherent.invalidate("b")
    assert [read(), read()] == [2, 2]
    coherent.invalidate("c")
    assert read() == 2


@pytest.mark.redis
def test_a_value_is_used_without_sql_and_without_redis(read, django_assert_num_queries):
    read()
    with django_assert_num_queries(0), leases.no_round_trips():
        assert read() == 1


@pytest.mark.redis
def test_the_first_check_of_a_request_costs_no_sql_with_redis(user, allow, django_assert_num_queries):
    leases.wait_for_lease()
    allow(user, "users:read")
    user_again = User.objects.get(pk=user.pk)
    for _ in range(2):
        request_started.send(sender=None)
        assert User.objects.get(pk=user.pk).has_perm("users:read")
    request_started.send(sender=None)
    with django_assert_num_queries(0), leases.no_round_trips():
        assert user_again.has_perm("users:read")
        assert not user_again.has_perm("users:delete")


@pytest.mark.postgres
def test_on_postgresql_without_redis_every_read_asks_the_database(settings):
    settings.REDIS_URL = ""
    loads = count(1)
    cache = coherent.Cache(size=3)
    assert [cache.get("value", ("a",), lambda: next(loads)) for _ in range(3)] == [1, 2, 3]


@pytest.mark.redis
def test_without_a_lease_every_read_asks_the_database(read, monkeypatch):
    assert [read(), read()] == [1, 1]
    monkeypatch.setattr(lease.own, "until", lease.clock())
    monkeypatch.setattr(lease.own, "_extend", lambda *_: None)
    monkeypatch.setattr(lease.own, "until", lease.clock())
    assert [read(), read()] == [2, 3]


@pytest.mark.redis
def test_the_lease_is_looked_at_before_the_value_and_the_clock_after_it(cache, read, monkeypatch):
    """A process is paused between the two, and renews its lease before it goes on."""
    read()

    def pause(tick, keys):
        later = lease.clock() + 5
        monkeypatch.setattr(coherent, "clock", lambda: later)
        monkeypatch.setattr(lease.own, "until", later + lease.LEASE_SECONDS)
        return False

    monkeypatch.setattr(coherent.changes, "since", pause)
    assert read() == 2


@pytest.mark.redis
def test_a_value_loaded_before_a_change_and_stored_after_it_is_not_used(cache):
    has_read, may_store = Event(), Event()

    def slowly():
        has_read.set()
        may_store.wait(10)
        return "old"

    with ThreadPoolExecutor(1) as pool:
        reader = pool.submit(cache.get, "value", ("a",), slowly)
        has_read.wait(10)
        coherent.invalidate("a")
        may_store.set()
        assert reader.result() == "old"
    assert cache.get("value", ("a",), lambda: "new") == "new"


@pytest.mark.redis
def test_while_a_change_is_open_every_reader_asks_the_database(read):
    read()
    change, other = commits.Change(frozenset({"a"})), commits.Change(frozenset({"a"}))
    change.announce()
    assert [read(), read()] == [2, 3]
    other.announce()
    assert change.finish()
    assert [read(), read()] == [4, 5]
    assert other.finish()
    assert [read(), read()] == [6, 6]


@pytest.mark.redis
def test_all_keys_of_a_transaction_are_one_announcement(read):
    before = announcements_made()
    with transaction.atomic():
        coherent.invalidate("a", "b")
        with transaction.atomic():
            coherent.invalidate("c")
        assert announcements_made() == before
    assert announcements_made() == before + 2


@pytest.mark.redis
def test_a_transaction_reads_its_own_changes_and_keeps_nothing(read):
    assert read() == 1
    with transaction.atomic():
        assert read() == 1
        coherent.invalidate("a")
        assert [read(), read()] == [2, 3]
        assert read(name="other") == 4
    assert read(name="other") == 5


@pytest.mark.redis
def test_a_rollback_announces_nothing_and_leaves_values_in_use(read):
    read()
    before = announcements_made()
    with transaction.atomic():
        coherent.invalidate("a")
        transaction.set_rollback(True)
    with transaction.atomic():
        CacheVersion.objects.replace("unrelated")
    assert (read(), announcements_made()) == (1, before)


@pytest.mark.redis
def test_a_key_is_invalidated_after_a_savepoint_with_it_was_rolled_back(read):
    read()
    with transaction.atomic():
        with transaction.atomic():
            coherent.invalidate("a")
            transaction.set_rollback(True)
        coherent.invalidate("a")
    assert [read(), read()] == [2, 2]


@pytest.mark.redis
def test_more_keys_than_one_announcement_takes_invalidate_everything(read):
    read("z")
    coherent.invalidate(*(f"user:{number}" for number in range(commits.MOST_KEYS + 1)))
    assert [read("z"), read("z")] == [2, 2]


@pytest.mark.redis
def test_the_keys_of_a_failed_commit_stay_open_until_they_expire(read, monkeypatch):
    key = str(uuid4())  # processes that start later find it open, too
    read(key)

    def fail():
        raise DatabaseError

    with pytest.raises(DatabaseError):
        commits.announced(frozenset({key}), fail)
    assert [read(key), read(key)] == [2, 3]
    later = changes.clock() + changes.OPEN_SECONDS + 1
    monkeypatch.setattr(changes, "clock", lambda: later)
    changes.changes.expire()
    assert [read(key), read(key)] == [4, 4]


@pytest.mark.redis
def test_the_oldest_value_makes_room_and_nothing_is_remembered_for_ever(cache):
    for name in "abcd":
        cache.get(name, ("a",), lambda: "old")
    assert cache.get("b", ("a",), lambda: "new") == "old"
    assert cache.get("a", ("a",), lambda: "new") == "new"
    log = changes.Changes()
    for number in range(changes.MOST_KEYS + 2):
        log.open(number, frozenset({f"key{number}"}))
        log.close(number)
    assert len(log._changed) < changes.MOST_KEYS
    assert log.since(0, ("key0",))


@pytest.mark.redis
def test_none_is_not_kept_and_an_exception_is_passed_on(cache):
    answers = iter([None, 1])
    assert [cache.get("value", ("a",), lambda: next(answers)) for _ in range(3)] == [None, 1, 1]

    def fail():
        raise LookupError

    with pytest.raises(LookupError):
        cache.get("other", ("a",), fail)
    assert cache.get("other", ("a",), lambda: 2) == 2


@pytest.mark.redis
def test_a_value_is_kept_for_its_lifetime_at_most(read, monkeypatch):
    read()
    later = lease.clock() + coherent.LIFETIME + 1
    monkeypatch.setattr(coherent, "clock", lambda: later)
    monkeypatch.setattr(lease.own, "until", later + 1)
    assert read() == 2


@pytest.mark.redis
def test_a_forked_process_has_no_value_and_no_lease_of_its_parent(read):
    read()
    receiving, sending = os.pipe()
    child = os.fork()
    if not child:
        os.write(sending, f"{read()} {lease.own.until} {lease.own.url}".encode())
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(receiving, 100).startswith(b"2 0.0 ")
    assert read() == 1


@pytest.mark.redis
def test_a_sign_in_and_a_refresh_announce_nothing(user, sign_in, api):
    before = announcements_made()
    pair = sign_in()
    assert api.post("/api/v1/auth/refresh/", {"refresh": pair["refresh"]}).status_code == 200
    assert announcements_made() == before


@pytest.mark.redis
def test_after_an_outage_one_caller_tries_redis_before_the_others(monkeypatch):
    clock = [1000.0]
    monkeypatch.setattr(shared, "monotonic", lambda: clock[0])
    tried = lambda: [shared.reachable() is not None for _ in range(3)]  # noqa: E731
    assert tried() == [True, True, True]
    shared.lost(used_for="test")
    assert tried() == [False, False, False]
    clock[0] += shared.PAUSE_SECONDS
    assert tried() == [True, False, False]
    shared.lost(used_for="test")
    clock[0] += shared.PAUSE_SECONDS
    assert tried() == [True, False, False]
    clock[0] += shared.PAUSE_SECONDS
    assert tried() == [True, True, True]

"""Cache versions: what is cached is never served after a change."""

from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest
from django.core.cache import caches
from django.core.signals import request_started
from django.db import connection, transaction

from accounts.models import User
from foodfleet.core.cache import coherent, shared
from foodfleet.core.models import CacheVersion
from foodfleet.tests import processes

pytestmark = pytest.mark.django_db(transaction=True)


def test_invalidating_a_key_changes_its_version_and_no_other():
    first = coherent.current_versions("a", "b")
    assert coherent.current_versions("a", "b") == first
    coherent.invalidate("a")
    second = coherent.current_versions("a", "b")
    assert second[0] != first[0]
    assert second[1] == first[1]


def test_an_invalidation_is_seen_in_its_transaction_and_rolled_back_with_it():
    coherent.invalidate("a")
    before = coherent.stored_versions("a")
    with transaction.atomic():
        coherent.invalidate("a")
        assert coherent.current_versions("a") != before
        transaction.set_rollback(True)
    assert coherent.stored_versions("a") == before


@pytest.mark.redis
def test_the_first_check_of_a_request_costs_no_sql_with_redis(user, allow, django_assert_num_queries):
    allow(user, "users:read")
    for _ in range(2):
        request_started.send(sender=None)
        assert User.objects.get(pk=user.pk).has_perm("users:read")
    user_again = User.objects.get(pk=user.pk)
    shared.client().delete(shared.key(coherent.LEASE))  # read from the database now, not while queries are counted
    coherent.current_versions("a")
    request_started.send(sender=None)
    with django_assert_num_queries(0):
        assert user_again.has_perm("users:read")
        assert not user_again.has_perm("users:delete")


@pytest.mark.redis
def test_a_cached_value_is_served_until_one_of_its_keys_is_invalidated():
    answers = iter(["old", "new", "newer"])
    read = lambda: coherent.cached("value", ["a", "b"], lambda: next(answers))  # noqa: E731
    assert [read(), read()] == ["old", "old"]
    coherent.invalidate_shared("b")
    assert [read(), read()] == ["new", "new"]
    coherent.invalidate_shared("c")
    assert read() == "new"


@pytest.mark.redis
def test_a_value_loaded_before_a_change_and_stored_after_it_is_not_served():
    has_read, may_store = Event(), Event()

    def slowly():
        has_read.set()
        may_store.wait(10)
        return "old"

    with ThreadPoolExecutor(1) as pool:
        reader = pool.submit(coherent.cached, "value", ["a"], slowly)
        has_read.wait(10)
        coherent.invalidate_shared("a")
        may_store.set()
        assert reader.result() == "old"
    assert coherent.cached("value", ["a"], lambda: "new") == "new"


@pytest.mark.redis
def test_while_a_change_is_uncommitted_every_reader_asks_the_database():
    coherent.cached("value", ["a"], lambda: "old")
    begun, may_end = Event(), Event()

    def change():
        try:
            with transaction.atomic():
                coherent.invalidate("a")
                begun.set()
                may_end.wait(10)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        writer = pool.submit(change)
        begun.wait(10)
        assert coherent.cached("value", ["a"], lambda: "first") == "first"
        assert coherent.cached("value", ["a"], lambda: "second") == "second"
        assert coherent.current_versions("a") == coherent.stored_versions("a")
        may_end.set()
        writer.result()
    assert coherent.cached("value", ["a"], lambda: "new") == "new"
    assert coherent.cached("value", ["a"], lambda: "newer") == "new"


@pytest.mark.redis
def test_a_commit_does_not_remove_the_marker_of_another_transaction():
    begun, may_end = Event(), Event()

    def other_change():
        try:
            with transaction.atomic():
                coherent.invalidate_shared("a")
                begun.set()
                may_end.wait(10)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        writer = pool.submit(other_change)
        begun.wait(10)
        coherent.ANNOUNCE.run(shared.client(), [coherent._version_key("a")], "~mine", "version")
        assert coherent.cached("value", ["a"], lambda: "first") == "first"
        assert coherent.cached("value", ["a"], lambda: "second") == "second"
        may_end.set()
        writer.result()


@pytest.mark.redis
def test_a_key_is_invalidated_after_a_savepoint_with_it_was_rolled_back():
    coherent.cached("value", ["a"], lambda: "old")
    with transaction.atomic():
        with transaction.atomic():
            coherent.invalidate_shared("a")
            transaction.set_rollback(True)
        coherent.invalidate_shared("a")
    assert coherent.cached("value", ["a"], lambda: "new") == "new"
    assert coherent.cached("value", ["a"], lambda: "newer") == "new"


@pytest.mark.redis
def test_a_value_loaded_inside_a_transaction_is_not_cached():
    with transaction.atomic():
        assert coherent.cached("value", ["a"], lambda: "uncommitted") == "uncommitted"
    assert coherent.cached("value", ["a"], lambda: "committed") == "committed"


@pytest.mark.redis
def test_a_transaction_that_changes_nothing_reads_versions_from_redis():
    with transaction.atomic():
        inside = coherent.shared_versions("a")
    assert inside is not None
    assert inside == coherent.shared_versions("a")


@pytest.mark.redis
def test_a_transaction_that_invalidated_a_key_reads_no_shared_version():
    before = coherent.shared_versions("a")
    with transaction.atomic():
        coherent.invalidate_shared("a")
        assert coherent.shared_versions("a") is None
        shared.client().delete(coherent._version_key("a"))  # the marker is lost with the data of Redis
        assert coherent.shared_versions("a") is None
    assert coherent.shared_versions("a") not in (None, before)


@pytest.mark.redis
def test_after_a_rollback_versions_are_read_from_redis_again():
    with transaction.atomic():
        coherent.invalidate_shared("b")
        transaction.set_rollback(True)
    assert coherent.shared_versions("a") is not None
    with transaction.atomic():
        assert coherent.shared_versions("a") is not None


@pytest.fixture
def private_redis(tmp_path, settings):
    server = processes.PrivateRedis(tmp_path)
    settings.REDIS_URL = server.url
    settings.CACHES = {"default": {**settings.CACHES["default"], "LOCATION": server.url}}
    yield server
    server.kill()
    caches["default"].close()


@pytest.mark.redis
def test_a_value_from_an_earlier_run_of_redis_is_not_served(private_redis):
    """Also when Redis restarts so soon that the lease in its snapshot is still valid."""
    coherent.cached("value", ["a"], lambda: "old")
    before = coherent.current_versions("a")
    private_redis.save()
    coherent.invalidate_shared("a")
    private_redis.kill()
    private_redis.start()
    shared.forget_loss()
    assert private_redis.client().exists(shared.key("cached", "value"))
    assert coherent.cached("value", ["a"], lambda: "new") == "new"
    assert coherent.current_versions("a") != before


@pytest.mark.redis
def test_a_change_made_without_redis_is_seen_everywhere_once_it_returns(private_redis, settings):
    coherent.cached("value", ["a"], lambda: "old")
    reachable = settings.CACHES
    settings.CACHES = {"default": {**reachable["default"], "LOCATION": f"redis://127.0.0.1:{processes.free_port()}/0"}}
    coherent.invalidate_shared("a")  # as in a process that cannot reach Redis
    settings.CACHES = reachable
    shared.forget_loss()
    assert private_redis.client().exists(shared.key("cached", "value"))
    assert coherent.cached("value", ["a"], lambda: "new") == "new"


@pytest.mark.redis
def test_an_uncommitted_lease_is_not_stored_in_redis(private_redis, settings):
    reachable = settings.CACHES
    unreachable = {**reachable["default"], "LOCATION": f"redis://127.0.0.1:{processes.free_port()}/0"}
    with transaction.atomic():
        settings.CACHES = {"default": unreachable}
        coherent.invalidate_shared("a")
        settings.CACHES = reachable
        shared.forget_loss()
        assert coherent.shared_versions("b") is None
        assert not private_redis.client().exists(shared.key(coherent.LEASE))


@pytest.mark.redis
def test_purging_leaves_one_lease_row_and_restores_no_old_lease():
    seen = {coherent.current_versions("a")}
    for _ in range(3):
        coherent._begin_lease()
        shared.client().delete(shared.key(coherent.LEASE))
        seen.add(coherent.current_versions("a"))
    coherent.purge()
    assert CacheVersion.objects.starting_with("lease:").count() == 1
    shared.client().delete(shared.key(coherent.LEASE))
    seen.add(coherent.current_versions("a"))
    assert len(seen) == 5


@pytest.mark.redis
def test_a_writer_that_dies_after_its_commit_leaves_no_old_value_behind():
    coherent.cached("value", ["a"], lambda: "old")

    def die():
        raise ZeroDivisionError

    def change():
        with transaction.atomic():
            transaction.on_commit(die)
            coherent.invalidate_shared("a")

    with pytest.raises(ZeroDivisionError):
        change()
    assert coherent.cached("value", ["a"], lambda: "new") == "new"


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


@pytest.mark.redis
def test_a_redis_server_that_hides_its_run_id_is_not_used(monkeypatch):
    monkeypatch.setattr(coherent, "READ", coherent._Script(coherent.READ.text.replace("run_id:", "no_such_line:")))
    assert coherent.cached("value", ["a"], lambda: "first") == "first"
    assert coherent.cached("value", ["a"], lambda: "second") == "second"
    assert coherent.current_versions("a") == coherent.stored_versions("a")

"""What stamps promise, and what is kept under them."""

from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest
from django.core.cache import caches
from django.core.signals import request_started
from django.db import connection, transaction

from accounts.models import User
from foodfleet.core import shared_cache, stamps
from foodfleet.core.models import Stamp
from foodfleet.tests import processes

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_stamp_changes_with_what_it_stands_for_and_not_otherwise():
    first = stamps.current("a", "b")
    assert stamps.current("a", "b") == first
    stamps.renew("a")
    second = stamps.current("a", "b")
    assert second[0] != first[0]
    assert second[1] == first[1]


def test_inside_its_transaction_a_change_is_seen_and_what_was_rolled_back_is_not_seen_after_it():
    stamps.renew("a")
    before = stamps.in_database("a")
    with transaction.atomic():
        stamps.renew("a")
        assert stamps.current("a") != before
        transaction.set_rollback(True)
    assert stamps.in_database("a") == before


@pytest.mark.redis
def test_the_first_check_of_a_request_costs_no_sql_with_redis(user, allow, django_assert_num_queries):
    allow(user, "users:read")
    for _ in range(2):
        request_started.send(sender=None)
        assert User.objects.get(pk=user.pk).has_perm("users:read")
    fresh = User.objects.get(pk=user.pk)
    shared_cache.client().delete(shared_cache.key(stamps.EPOCH))  # asked for anew here, and not in the middle of it
    stamps.current("a")
    request_started.send(sender=None)
    with django_assert_num_queries(0):
        assert fresh.has_perm("users:read")
        assert not fresh.has_perm("users:delete")


@pytest.mark.redis
def test_what_is_kept_serves_until_its_stamp_is_renewed():
    answers = iter(["old", "new", "newer"])
    read = lambda: stamps.kept("value", ["a", "b"], lambda: next(answers))  # noqa: E731
    assert [read(), read()] == ["old", "old"]
    stamps.renew_shared("b")
    assert [read(), read()] == ["new", "new"]
    stamps.renew_shared("c")
    assert read() == "new"


@pytest.mark.redis
def test_what_was_read_before_a_change_and_kept_after_it_does_not_count():
    has_read, may_keep = Event(), Event()

    def slowly():
        has_read.set()
        may_keep.wait(10)
        return "old"

    with ThreadPoolExecutor(1) as pool:
        reader = pool.submit(stamps.kept, "value", ["a"], slowly)
        has_read.wait(10)
        stamps.renew_shared("a")
        may_keep.set()
        assert reader.result() == "old"
    assert stamps.kept("value", ["a"], lambda: "new") == "new"


@pytest.mark.redis
def test_while_a_change_is_not_committed_nothing_is_kept_and_the_database_answers():
    stamps.kept("value", ["a"], lambda: "old")
    begun, may_end = Event(), Event()

    def change():
        try:
            with transaction.atomic():
                stamps.renew("a")
                begun.set()
                may_end.wait(10)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        writer = pool.submit(change)
        begun.wait(10)
        assert stamps.kept("value", ["a"], lambda: "asked") == "asked"
        assert stamps.kept("value", ["a"], lambda: "again") == "again"
        assert stamps.current("a") == stamps.in_database("a")
        may_end.set()
        writer.result()
    assert stamps.kept("value", ["a"], lambda: "new") == "new"
    assert stamps.kept("value", ["a"], lambda: "newer") == "new"


@pytest.mark.redis
def test_the_end_of_one_change_does_not_end_the_mark_of_another():
    begun, may_end = Event(), Event()

    def other_change():
        try:
            with transaction.atomic():
                stamps.renew_shared("a")
                begun.set()
                may_end.wait(10)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        writer = pool.submit(other_change)
        begun.wait(10)
        stamps.ANNOUNCE.run(shared_cache.client(), [stamps._stamp_key("a")], "~mine", "stamp")
        assert stamps.kept("value", ["a"], lambda: "asked") == "asked"
        assert stamps.kept("value", ["a"], lambda: "again") == "again"
        may_end.set()
        writer.result()


@pytest.mark.redis
def test_what_a_rolled_back_savepoint_announced_is_announced_by_the_rest_of_its_transaction():
    stamps.kept("value", ["a"], lambda: "old")
    with transaction.atomic():
        with transaction.atomic():
            stamps.renew_shared("a")
            transaction.set_rollback(True)
        stamps.renew_shared("a")
    assert stamps.kept("value", ["a"], lambda: "new") == "new"
    assert stamps.kept("value", ["a"], lambda: "newer") == "new"


@pytest.mark.redis
def test_what_is_read_inside_a_transaction_is_not_kept():
    with transaction.atomic():
        assert stamps.kept("value", ["a"], lambda: "uncommitted") == "uncommitted"
    assert stamps.kept("value", ["a"], lambda: "committed") == "committed"


@pytest.mark.redis
def test_redis_shows_a_stamp_inside_a_transaction_too():
    with transaction.atomic():
        inside = stamps.shown("a")
    assert inside is not None
    assert inside == stamps.shown("a")


@pytest.mark.redis
def test_a_transaction_that_changed_something_is_shown_no_stamp_until_it_ends():
    before = stamps.shown("a")
    with transaction.atomic():
        stamps.renew_shared("a")
        assert stamps.shown("a") is None
        shared_cache.client().delete(stamps._stamp_key("a"))  # the mark is lost with all that Redis knew
        assert stamps.shown("a") is None
    assert stamps.shown("a") not in (None, before)


@pytest.mark.redis
def test_after_a_transaction_that_was_rolled_back_stamps_are_shown_again():
    with transaction.atomic():
        stamps.renew_shared("b")
        transaction.set_rollback(True)
    assert stamps.shown("a") is not None
    with transaction.atomic():
        assert stamps.shown("a") is not None


@pytest.fixture
def private_redis(tmp_path, settings):
    server = processes.PrivateRedis(tmp_path)
    settings.REDIS_URL = server.url
    settings.CACHES = {"default": {**settings.CACHES["default"], "LOCATION": server.url}}
    yield server
    server.kill()
    caches["default"].close()


@pytest.mark.redis
def test_nothing_that_an_earlier_run_of_redis_kept_counts(private_redis):
    """However soon it comes back: the epoch that it saved may still be of use, the run is another."""
    stamps.kept("value", ["a"], lambda: "old")
    before = stamps.current("a")
    private_redis.save()
    stamps.renew_shared("a")
    private_redis.kill()
    private_redis.start()
    shared_cache.forget_loss()
    assert private_redis.client().exists(shared_cache.key("kept", "value"))
    assert stamps.kept("value", ["a"], lambda: "new") == "new"
    assert stamps.current("a") != before


@pytest.mark.redis
def test_a_change_that_cannot_reach_redis_holds_everywhere_when_it_returns(private_redis, settings):
    stamps.kept("value", ["a"], lambda: "old")
    reachable = settings.CACHES
    settings.CACHES = {"default": {**reachable["default"], "LOCATION": f"redis://127.0.0.1:{processes.free_port()}/0"}}
    stamps.renew_shared("a")  # as a process whose way to Redis is cut
    settings.CACHES = reachable
    shared_cache.forget_loss()
    assert private_redis.client().exists(shared_cache.key("kept", "value"))
    assert stamps.kept("value", ["a"], lambda: "new") == "new"


@pytest.mark.redis
def test_an_epoch_that_is_not_committed_is_put_before_nobody(private_redis, settings):
    reachable = settings.CACHES
    unreachable = {**reachable["default"], "LOCATION": f"redis://127.0.0.1:{processes.free_port()}/0"}
    with transaction.atomic():
        settings.CACHES = {"default": unreachable}
        stamps.renew_shared("a")
        settings.CACHES = reachable
        shared_cache.forget_loss()
        assert stamps.shown("b") is None
        assert not private_redis.client().exists(shared_cache.key(stamps.EPOCH))


@pytest.mark.redis
def test_the_rows_of_epochs_are_put_together_without_an_old_epoch_coming_back():
    seen = {stamps.current("a")}
    for _ in range(3):
        stamps._begin_epoch()
        shared_cache.client().delete(shared_cache.key(stamps.EPOCH))
        seen.add(stamps.current("a"))
    stamps.purge()
    assert Stamp.objects.starting_with("epoch:").count() == 1
    shared_cache.client().delete(shared_cache.key(stamps.EPOCH))
    seen.add(stamps.current("a"))
    assert len(seen) == 5


@pytest.mark.redis
def test_a_writer_that_dies_right_after_its_commit_leaves_nothing_old_behind():
    stamps.kept("value", ["a"], lambda: "old")

    def die():
        raise ZeroDivisionError

    def change():
        with transaction.atomic():
            transaction.on_commit(die)
            stamps.renew_shared("a")

    with pytest.raises(ZeroDivisionError):
        change()
    assert stamps.kept("value", ["a"], lambda: "new") == "new"


@pytest.mark.redis
def test_after_a_loss_one_caller_tries_redis_and_the_others_only_when_that_went_well(monkeypatch):
    clock = [1000.0]
    monkeypatch.setattr(shared_cache, "monotonic", lambda: clock[0])
    tried = lambda: [shared_cache.reachable() is not None for _ in range(3)]  # noqa: E731
    assert tried() == [True, True, True]
    shared_cache.lost(used_for="test")
    assert tried() == [False, False, False]
    clock[0] += shared_cache.PAUSE_SECONDS
    assert tried() == [True, False, False]
    shared_cache.lost(used_for="test")
    clock[0] += shared_cache.PAUSE_SECONDS
    assert tried() == [True, False, False]
    clock[0] += shared_cache.PAUSE_SECONDS
    assert tried() == [True, True, True]


@pytest.mark.redis
def test_a_server_that_does_not_say_which_run_it_is_is_not_believed(monkeypatch):
    monkeypatch.setattr(stamps, "LOOK", stamps._Script(stamps.LOOK.text.replace("run_id:", "no_such_line:")))
    assert stamps.kept("value", ["a"], lambda: "first") == "first"
    assert stamps.kept("value", ["a"], lambda: "second") == "second"
    assert stamps.current("a") == stamps.in_database("a")

"""What stamps promise, and what is kept under them."""

from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest
from django.core.cache import caches
from django.core.signals import request_started
from django.db import connection, transaction

from accounts.models import User
from foodfleet.core.cache import coherent, shared
from foodfleet.core.models import Stamp
from foodfleet.tests import processes

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_stamp_changes_with_what_it_stands_for_and_not_otherwise():
    first = coherent.current("a", "b")
    assert coherent.current("a", "b") == first
    coherent.renew("a")
    second = coherent.current("a", "b")
    assert second[0] != first[0]
    assert second[1] == first[1]


def test_inside_its_transaction_a_change_is_seen_and_what_was_rolled_back_is_not_seen_after_it():
    coherent.renew("a")
    before = coherent.in_database("a")
    with transaction.atomic():
        coherent.renew("a")
        assert coherent.current("a") != before
        transaction.set_rollback(True)
    assert coherent.in_database("a") == before


@pytest.mark.redis
def test_the_first_check_of_a_request_costs_no_sql_with_redis(user, allow, django_assert_num_queries):
    allow(user, "users:read")
    for _ in range(2):
        request_started.send(sender=None)
        assert User.objects.get(pk=user.pk).has_perm("users:read")
    fresh = User.objects.get(pk=user.pk)
    shared.client().delete(shared.key(coherent.EPOCH))  # asked for anew here, and not in the middle of it
    coherent.current("a")
    request_started.send(sender=None)
    with django_assert_num_queries(0):
        assert fresh.has_perm("users:read")
        assert not fresh.has_perm("users:delete")


@pytest.mark.redis
def test_what_is_kept_serves_until_its_stamp_is_renewed():
    answers = iter(["old", "new", "newer"])
    read = lambda: coherent.kept("value", ["a", "b"], lambda: next(answers))  # noqa: E731
    assert [read(), read()] == ["old", "old"]
    coherent.renew_shared("b")
    assert [read(), read()] == ["new", "new"]
    coherent.renew_shared("c")
    assert read() == "new"


@pytest.mark.redis
def test_what_was_read_before_a_change_and_kept_after_it_does_not_count():
    has_read, may_keep = Event(), Event()

    def slowly():
        has_read.set()
        may_keep.wait(10)
        return "old"

    with ThreadPoolExecutor(1) as pool:
        reader = pool.submit(coherent.kept, "value", ["a"], slowly)
        has_read.wait(10)
        coherent.renew_shared("a")
        may_keep.set()
        assert reader.result() == "old"
    assert coherent.kept("value", ["a"], lambda: "new") == "new"


@pytest.mark.redis
def test_while_a_change_is_not_committed_nothing_is_kept_and_the_database_answers():
    coherent.kept("value", ["a"], lambda: "old")
    begun, may_end = Event(), Event()

    def change():
        try:
            with transaction.atomic():
                coherent.renew("a")
                begun.set()
                may_end.wait(10)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        writer = pool.submit(change)
        begun.wait(10)
        assert coherent.kept("value", ["a"], lambda: "asked") == "asked"
        assert coherent.kept("value", ["a"], lambda: "again") == "again"
        assert coherent.current("a") == coherent.in_database("a")
        may_end.set()
        writer.result()
    assert coherent.kept("value", ["a"], lambda: "new") == "new"
    assert coherent.kept("value", ["a"], lambda: "newer") == "new"


@pytest.mark.redis
def test_the_end_of_one_change_does_not_end_the_mark_of_another():
    begun, may_end = Event(), Event()

    def other_change():
        try:
            with transaction.atomic():
                coherent.renew_shared("a")
                begun.set()
                may_end.wait(10)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        writer = pool.submit(other_change)
        begun.wait(10)
        coherent.ANNOUNCE.run(shared.client(), [coherent._stamp_key("a")], "~mine", "stamp")
        assert coherent.kept("value", ["a"], lambda: "asked") == "asked"
        assert coherent.kept("value", ["a"], lambda: "again") == "again"
        may_end.set()
        writer.result()


@pytest.mark.redis
def test_what_a_rolled_back_savepoint_announced_is_announced_by_the_rest_of_its_transaction():
    coherent.kept("value", ["a"], lambda: "old")
    with transaction.atomic():
        with transaction.atomic():
            coherent.renew_shared("a")
            transaction.set_rollback(True)
        coherent.renew_shared("a")
    assert coherent.kept("value", ["a"], lambda: "new") == "new"
    assert coherent.kept("value", ["a"], lambda: "newer") == "new"


@pytest.mark.redis
def test_what_is_read_inside_a_transaction_is_not_kept():
    with transaction.atomic():
        assert coherent.kept("value", ["a"], lambda: "uncommitted") == "uncommitted"
    assert coherent.kept("value", ["a"], lambda: "committed") == "committed"


@pytest.mark.redis
def test_redis_shows_a_stamp_inside_a_transaction_too():
    with transaction.atomic():
        inside = coherent.shown("a")
    assert inside is not None
    assert inside == coherent.shown("a")


@pytest.mark.redis
def test_a_transaction_that_changed_something_is_shown_no_stamp_until_it_ends():
    before = coherent.shown("a")
    with transaction.atomic():
        coherent.renew_shared("a")
        assert coherent.shown("a") is None
        shared.client().delete(coherent._stamp_key("a"))  # the mark is lost with all that Redis knew
        assert coherent.shown("a") is None
    assert coherent.shown("a") not in (None, before)


@pytest.mark.redis
def test_after_a_transaction_that_was_rolled_back_stamps_are_shown_again():
    with transaction.atomic():
        coherent.renew_shared("b")
        transaction.set_rollback(True)
    assert coherent.shown("a") is not None
    with transaction.atomic():
        assert coherent.shown("a") is not None


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
    coherent.kept("value", ["a"], lambda: "old")
    before = coherent.current("a")
    private_redis.save()
    coherent.renew_shared("a")
    private_redis.kill()
    private_redis.start()
    shared.forget_loss()
    assert private_redis.client().exists(shared.key("kept", "value"))
    assert coherent.kept("value", ["a"], lambda: "new") == "new"
    assert coherent.current("a") != before


@pytest.mark.redis
def test_a_change_that_cannot_reach_redis_holds_everywhere_when_it_returns(private_redis, settings):
    coherent.kept("value", ["a"], lambda: "old")
    reachable = settings.CACHES
    settings.CACHES = {"default": {**reachable["default"], "LOCATION": f"redis://127.0.0.1:{processes.free_port()}/0"}}
    coherent.renew_shared("a")  # as a process whose way to Redis is cut
    settings.CACHES = reachable
    shared.forget_loss()
    assert private_redis.client().exists(shared.key("kept", "value"))
    assert coherent.kept("value", ["a"], lambda: "new") == "new"


@pytest.mark.redis
def test_an_epoch_that_is_not_committed_is_put_before_nobody(private_redis, settings):
    reachable = settings.CACHES
    unreachable = {**reachable["default"], "LOCATION": f"redis://127.0.0.1:{processes.free_port()}/0"}
    with transaction.atomic():
        settings.CACHES = {"default": unreachable}
        coherent.renew_shared("a")
        settings.CACHES = reachable
        shared.forget_loss()
        assert coherent.shown("b") is None
        assert not private_redis.client().exists(shared.key(coherent.EPOCH))


@pytest.mark.redis
def test_the_rows_of_epochs_are_put_together_without_an_old_epoch_coming_back():
    seen = {coherent.current("a")}
    for _ in range(3):
        coherent._begin_epoch()
        shared.client().delete(shared.key(coherent.EPOCH))
        seen.add(coherent.current("a"))
    coherent.purge()
    assert Stamp.objects.starting_with("epoch:").count() == 1
    shared.client().delete(shared.key(coherent.EPOCH))
    seen.add(coherent.current("a"))
    assert len(seen) == 5


@pytest.mark.redis
def test_a_writer_that_dies_right_after_its_commit_leaves_nothing_old_behind():
    coherent.kept("value", ["a"], lambda: "old")

    def die():
        raise ZeroDivisionError

    def change():
        with transaction.atomic():
            transaction.on_commit(die)
            coherent.renew_shared("a")

    with pytest.raises(ZeroDivisionError):
        change()
    assert coherent.kept("value", ["a"], lambda: "new") == "new"


@pytest.mark.redis
def test_after_a_loss_one_caller_tries_redis_and_the_others_only_when_that_went_well(monkeypatch):
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
def test_a_server_that_does_not_say_which_run_it_is_is_not_believed(monkeypatch):
    monkeypatch.setattr(coherent, "LOOK", coherent._Script(coherent.LOOK.text.replace("run_id:", "no_such_line:")))
    assert coherent.kept("value", ["a"], lambda: "first") == "first"
    assert coherent.kept("value", ["a"], lambda: "second") == "second"
    assert coherent.current("a") == coherent.in_database("a")

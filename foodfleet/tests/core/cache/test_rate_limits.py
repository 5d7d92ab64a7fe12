"""Windows, attempts and notices, counted for all processes together."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.db import connection, transaction
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from accounts import tasks
from foodfleet.core.cache import rate_limits, shared
from foodfleet.core.cache.token_bucket import Request
from foodfleet.core.models import RateLimit

HOUR = 3600
SLICE = HOUR / rate_limits.SLICES


def is_allowed(now, *, limit=3, key="test"):
    return rate_limits.sliding_window(key, limit=limit, seconds=HOUR, now=now).allowed


class SlidingWindow(TestCase):
    @settings(max_examples=60, deadline=None)
    @given(
        limit=st.integers(1, 6),
        pauses=st.lists(st.floats(0, HOUR, allow_nan=False) | st.floats(0, 60, allow_nan=False), max_size=40),
        start=st.floats(1.7e9, 1.9e9),
    )
    def test_a_sliding_window_never_exceeds_its_limit_in_any_hour(self, limit, pauses, start):
        RateLimit.objects.all().delete()
        now, allowed_at = start, []
        for pause in pauses:
            now += pause
            within_an_hour = [at for at in allowed_at if at > now - HOUR]
            within_a_slice_more = [at for at in allowed_at if at > now - HOUR - SLICE]
            if is_allowed(now, limit=limit):
                assert len(within_an_hour) < limit
                allowed_at.append(now)
            else:
                assert len(within_a_slice_more) >= limit

    @settings(max_examples=40, deadline=None)
    @given(limit=st.integers(1, 5), pauses=st.lists(st.floats(0, HOUR / 5), min_size=5, max_size=20))
    def test_a_request_after_retry_after_is_accepted(self, limit, pauses):
        RateLimit.objects.all().delete()
        now = 1.8e9
        for pause in pauses:
            now += pause
            answer = rate_limits.sliding_window("test", limit=limit, seconds=HOUR, now=now)
            if not answer.allowed:
                assert 0 < answer.retry_after <= HOUR + SLICE
                assert not is_allowed(now + answer.retry_after - 0.01, limit=limit)
                now += answer.retry_after + 0.01
                assert is_allowed(now, limit=limit)


@pytest.mark.django_db
def test_six_around_the_edge_of_a_full_hour_are_three():
    edge = 500_000 * HOUR
    assert [is_allowed(edge + at) for at in (-3, -2, -1, 0, 1, 2)] == [True] * 3 + [False] * 3


@pytest.mark.django_db
def test_a_refused_call_does_not_count_in_a_sliding_window():
    began = 500_000 * HOUR
    for at in range(10):
        is_allowed(began + at * 60)
    assert is_allowed(began + HOUR + SLICE + 1)


@pytest.mark.django_db
def test_each_key_has_a_count_of_its_own():
    assert [is_allowed(1.8e9, limit=1, key=key) for key in ("a", "b", "a")] == [True, True, False]


@pytest.mark.django_db
def test_a_call_that_is_rolled_back_is_not_counted():
    with transaction.atomic():
        assert is_allowed(1.8e9, limit=1)
        transaction.set_rollback(True)
    assert is_allowed(1.8e9, limit=1)


@pytest.mark.django_db(transaction=True)
def test_of_many_at_once_no_more_than_the_limit_are_let_in():
    start = Barrier(24)

    def ask(number):
        start.wait()
        try:
            return is_allowed(1.8e9 + number * 30, limit=5)
        finally:
            connection.close()

    with ThreadPoolExecutor(24) as pool:
        answers = list(pool.map(ask, [n % 2 for n in range(24)]))
    assert answers.count(True) == 5


@pytest.mark.django_db
def test_the_purge_removes_only_limits_that_count_no_more():
    now = timezone.now()
    old = now - timedelta(hours=1, minutes=2)
    rate_limits.sliding_window("old", limit=3, seconds=HOUR, now=old.timestamp())
    rate_limits.sliding_window("new", limit=3, seconds=HOUR, now=(now - timedelta(minutes=59)).timestamp())
    tasks.purge_expired()
    assert list(RateLimit.objects.values_list("key", flat=True)) == ["sliding:new"]


MINUTE = timedelta(minutes=1)
GROWING = rate_limits.Lockout(
    first=3, every=2, waits=(MINUTE, 5 * MINUTE), memory=timedelta(days=2), memory_unblocked=timedelta(hours=1)
)


class GrowingLockout(TestCase):
    @settings(max_examples=40, deadline=None)
    @given(pauses=st.lists(st.integers(0, 400) | st.integers(0, 4000), max_size=25))
    def test_the_statement_counts_and_blocks_as_the_policy_says(self, pauses):
        RateLimit.objects.all().delete()
        now, count, blocked_until, expires_at = timezone.now(), 0, None, None
        for pause in pauses:
            now += timedelta(seconds=pause)
            attempt = rate_limits.reserve_attempt("test", GROWING, now=now)
            if blocked_until is not None and now < blocked_until:
                assert (attempt.allowed, attempt.blocked_until) == (False, blocked_until)
                continue
            count = 1 if expires_at is None or now >= expires_at else count + 1
            wait = {3: MINUTE}.get(count) or (5 * MINUTE if count >= 5 and count % 2 else None)
            blocked_until = wait and now + wait
            expires_at = now + (GROWING.memory if count >= 3 else GROWING.memory_unblocked)
            assert (attempt.count, attempt.blocked_until) == (count, blocked_until)
            row = RateLimit.objects.get()
            assert (row.count, row.blocked_until, row.expires_at) == (count, blocked_until, expires_at)


@pytest.mark.django_db(transaction=True)
def test_no_more_simultaneous_attempts_are_allowed_than_the_policy_says():
    start = Barrier(24)

    def attempt(_):
        start.wait()
        try:
            return rate_limits.reserve_attempt("test", rate_limits.Lockout.at_most(5, MINUTE)).count
        finally:
            connection.close()

    with ThreadPoolExecutor(24) as pool:
        counts = sorted(pool.map(attempt, range(24)))
    assert counts == [0] * 19 + [1, 2, 3, 4, 5]


@pytest.mark.django_db(transaction=True)
def test_simultaneous_requests_of_one_fixed_window_get_different_counts(settings):
    settings.REDIS_URL = ""
    start = Barrier(24)

    def ask(_):
        start.wait()
        try:
            return rate_limits.fixed_window("test", limit=5, seconds=HOUR, now=1.8e9).allowed
        finally:
            connection.close()

    with ThreadPoolExecutor(24) as pool:
        assert sum(pool.map(ask, range(24))) == 5


@pytest.mark.django_db
def test_a_fixed_window_starts_anew_without_a_second_row(settings):
    settings.REDIS_URL = ""
    usages = [rate_limits.fixed_window("test", limit=1, seconds=60, now=1.8e9 + at) for at in (0, 59, 60, 119)]
    assert [usage.allowed for usage in usages] == [True, False, True, False]
    assert [usage.retry_after for usage in usages] == [60, 1, 60, 1]
    assert RateLimit.objects.count() == 1


@pytest.mark.django_db
def test_a_window_made_shorter_forgets_its_longer_slices():
    day = 24 * HOUR
    assert rate_limits.sliding_window("test", limit=1, seconds=HOUR, now=1.8e9).allowed
    assert rate_limits.sliding_window("test", limit=1, seconds=day, now=1.8e9 + day).allowed
    assert not rate_limits.sliding_window("test", limit=1, seconds=day, now=1.8e9 + day + HOUR).allowed


class Lost:
    """A Redis that answers nothing."""

    def __getattr__(self, name):
        raise ConnectionError(name)


@pytest.fixture
def lost_redis():
    with pytest.MonkeyPatch.context() as patch:  # ends before the cache is cleared after the test
        patch.setattr(shared, "client", Lost)
        yield


@pytest.mark.django_db
def test_without_redis_windows_and_buckets_are_counted_in_the_database(lost_redis):
    assert rate_limits.fixed_window("test", limit=1, seconds=HOUR).allowed
    shared.forget_loss()
    assert rate_limits.acquire("test", Request(14, 1, 1, 2)).wait == 0
    assert set(RateLimit.objects.values_list("key", flat=True)) == {"window:test", "bucket:test"}


@pytest.mark.django_db
def test_without_redis_nobody_can_say_which_call_is_the_first(lost_redis):
    assert rate_limits.is_first("test", seconds=10) is None
    shared.forget_loss()
    rate_limits.allow_again("test")
    assert not RateLimit.objects.exists()


@pytest.mark.redis
def test_only_one_call_is_the_first_until_another_is_allowed():
    key = f"test-{timezone.now().timestamp()}"
    assert [rate_limits.is_first(key, seconds=10) for _ in range(3)] == [True, False, False]
    rate_limits.allow_again(key)
    assert rate_limits.is_first(key, seconds=10)

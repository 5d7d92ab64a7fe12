"""Counting over a window that slides."""

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
from foodfleet.core.cache import rate_limits
from foodfleet.core.models import SlidingCounter

HOUR = 3600
SLICE = HOUR / rate_limits.SLICES


def admitted(moment, *, limit=3, key="test"):
    return rate_limits.sliding_window(key, limit=limit, seconds=HOUR, now=moment).allowed


class SlidingWindow(TestCase):
    @settings(max_examples=60, deadline=None)
    @given(
        limit=st.integers(1, 6),
        pauses=st.lists(st.floats(0, HOUR, allow_nan=False) | st.floats(0, 60, allow_nan=False), max_size=40),
        start=st.floats(1.7e9, 1.9e9),
    )
    def test_no_hour_holds_more_than_the_limit_and_nobody_waits_more_than_a_slice_too_long(self, limit, pauses, start):
        SlidingCounter.objects.all().delete()
        moment, let_in = start, []
        for pause in pauses:
            moment += pause
            within_an_hour = [at for at in let_in if at > moment - HOUR]
            within_a_slice_more = [at for at in let_in if at > moment - HOUR - SLICE]
            if admitted(moment, limit=limit):
                assert len(within_an_hour) < limit
                let_in.append(moment)
            else:
                assert len(within_a_slice_more) >= limit

    @settings(max_examples=40, deadline=None)
    @given(limit=st.integers(1, 5), pauses=st.lists(st.floats(0, HOUR / 5), min_size=5, max_size=20))
    def test_who_comes_back_when_told_is_let_in(self, limit, pauses):
        SlidingCounter.objects.all().delete()
        moment = 1.8e9
        for pause in pauses:
            moment += pause
            answer = rate_limits.sliding_window("test", limit=limit, seconds=HOUR, now=moment)
            if not answer.allowed:
                assert 0 < answer.retry_after <= HOUR + SLICE
                assert not admitted(moment + answer.retry_after - 0.01, limit=limit)
                moment += answer.retry_after + 0.01
                assert admitted(moment, limit=limit)


@pytest.mark.django_db
def test_six_around_the_edge_of_a_full_hour_are_three():
    edge = 500_000 * HOUR
    assert [admitted(edge + at) for at in (-3, -2, -1, 0, 1, 2)] == [True] * 3 + [False] * 3


@pytest.mark.django_db
def test_what_is_refused_is_not_counted():
    began = 500_000 * HOUR
    for at in range(10):
        admitted(began + at * 60)
    assert admitted(began + HOUR + SLICE + 1)


@pytest.mark.django_db
def test_each_key_has_a_count_of_its_own():
    assert [admitted(1.8e9, limit=1, key=key) for key in ("a", "b", "a")] == [True, True, False]


@pytest.mark.django_db
def test_what_is_rolled_back_was_not_counted():
    with transaction.atomic():
        assert admitted(1.8e9, limit=1)
        transaction.set_rollback(True)
    assert admitted(1.8e9, limit=1)


@pytest.mark.django_db(transaction=True)
def test_of_many_at_once_no_more_than_the_limit_are_let_in():
    start = Barrier(24)

    def ask(number):
        start.wait()
        try:
            return admitted(1.8e9 + number * 30, limit=5)
        finally:
            connection.close()

    with ThreadPoolExecutor(24) as pool:
        answers = list(pool.map(ask, [n % 2 for n in range(24)]))
    assert answers.count(True) == 5


@pytest.mark.django_db
def test_what_counts_no_more_is_removed_by_beat_and_what_counts_stays():
    now = timezone.now()
    old = now - timedelta(hours=1, minutes=2)
    rate_limits.sliding_window("old", limit=3, seconds=HOUR, now=old.timestamp())
    rate_limits.sliding_window("new", limit=3, seconds=HOUR, now=(now - timedelta(minutes=59)).timestamp())
    tasks.purge_expired()
    assert list(SlidingCounter.objects.values_list("key", flat=True)) == ["new"]

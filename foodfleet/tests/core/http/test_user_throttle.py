"""Calls of one user, counted in batches."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from foodfleet.core.http import throttling

pytestmark = [pytest.mark.django_db]
HOUR = 3600


@pytest.fixture(autouse=True)
def _new_process(monkeypatch):
    monkeypatch.setattr(throttling, "_local", {})
    monkeypatch.setattr(throttling, "time", lambda: 1_000_000_000.0)  # in the middle of an hour


@pytest.fixture
def shared(monkeypatch):
    """The keys of what was counted for all processes."""
    counted, count = [], throttling.fixed_window

    def note(key, **options):
        counted.append(key)
        return count(key, **options)

    monkeypatch.setattr(throttling, "fixed_window", note)
    return counted


def allowed(key, limit, calls):
    return sum(throttling.count_in_batches(key, limit, HOUR).allowed for _ in range(calls))


@pytest.mark.parametrize("limit", [1, 7, 199])
def test_a_small_limit_is_exact(limit):
    assert allowed("user:small", limit, limit + 5) == limit


def test_a_large_limit_is_exact_to_one_per_cent():
    assert 1000 <= allowed("user:large", 1000, 1100) <= 1010


def test_only_a_full_batch_is_shared(shared):
    allowed("user:a", 1000, 9)
    assert shared == []
    allowed("user:a", 1000, 1)
    assert shared == ["user:a"]


def test_a_refused_caller_costs_no_round_trip(shared):
    allowed("user:b", 1000, 1100)
    count = len(shared)
    refused = throttling.count_in_batches("user:b", 1000, HOUR)
    assert not refused.allowed
    assert 0 < refused.retry_after <= HOUR
    assert len(shared) == count


def test_two_processes_share_the_limit(monkeypatch):
    first = allowed("user:c", 1000, 600)
    monkeypatch.setattr(throttling, "_local", {})
    second = allowed("user:c", 1000, 600)
    assert first == 600
    assert 400 <= second <= 420


def test_the_next_window_begins_at_zero(monkeypatch):
    allowed("user:d", 1000, 1100)
    monkeypatch.setattr(throttling, "time", lambda: 1_000_000_000.0 + HOUR)
    assert throttling.count_in_batches("user:d", 1000, HOUR).allowed


def test_callers_beyond_the_memory_of_a_process_are_still_limited(monkeypatch):
    monkeypatch.setattr(throttling, "MOST_CALLERS", 3)
    for number in range(10):
        throttling.count_in_batches(f"user:{number}", 1000, HOUR)
    assert len(throttling._local) <= 3
    assert allowed("user:e", 1000, 1100) <= 1010


@pytest.mark.once
def test_threads_lose_no_call(monkeypatch):
    counted = []
    monkeypatch.setattr(throttling, "fixed_window", lambda key, **_: counted.append(key) or throttling.Usage(True, 0))
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: throttling.count_in_batches("user:f", 1000, HOUR), range(2000)))
    assert len(counted) == 200

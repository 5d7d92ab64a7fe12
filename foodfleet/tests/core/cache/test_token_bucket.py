"""Permits at a rate that all workers keep together; by the times of the store that counts them."""

import json
import random
import threading
from itertools import count

import pytest
from django.db import connections

from foodfleet.core.cache import limit_stores, rate_limits, shared
from foodfleet.core.cache.token_bucket import WINDOW, Request
from foodfleet.core.models import RateLimit

pytestmark = pytest.mark.django_db(transaction=True)
NAME = shared.key("bucket", "x")
FUTURE = 9_000_000_000
STALE = {"level": 0, "at": FUTURE, "recent": {str(FUTURE * 20): 14}, "reserved_until": FUTURE, "reserved_for": 9}


def acquire(*args, **kwargs):
    return rate_limits.acquire("x", Request(*args, **kwargs))


@pytest.fixture(params=["database", pytest.param("redis", marks=pytest.mark.redis)], autouse=True)
def store(request, settings):
    if request.param == "database":
        settings.REDIS_URL = ""
    else:
        shared.client().delete(NAME)
    return request.param


def most_within(window, permits):
    permits = sorted(permits)
    return max(sum(units for at, units in permits if start <= at < start + window) for start, _ in permits)


def test_all_workers_together_stay_within_the_rate_in_any_window():
    rate, permits, wanted = 40, [], iter(range(60))

    def work(seed):
        dice = random.Random(seed)
        for _ in wanted:
            units = dice.choice([1, 1, 1, 1, 2, 5])
            while (answer := acquire(rate, units, dice.choice([1, 3]), 3, units == 1)).wait > 0:
                threading.Event().wait(answer.wait / 2)
            permits.append((answer.at, units))
        connections.close_all()

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(6)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert len(permits) == 60
    assert most_within(WINDOW, permits) <= rate


def test_small_requests_do_not_keep_a_large_one_waiting():
    while acquire(20, 1, 1, 2).wait == 0:
        pass
    small_after = 0
    for _ in count():
        if acquire(20, 20, 1, 2).wait == 0:
            break
        small_after += acquire(20, 1, 1, 2).wait == 0
        assert small_after < 60
    assert acquire(20, 1, 1, 2).wait > 0  # it paid for all of its units


def test_a_request_larger_than_the_rate_is_permitted_when_nothing_was_sent():
    assert acquire(14, 50, 1, 2).wait == 0
    assert acquire(14, 1, 1, 2).wait > 3


def test_a_wait_too_short_to_be_stated_is_no_permit():
    assert acquire(rate=1e9, units=1, need=4, capacity=3).wait > 0


def test_a_clock_that_was_set_back_blocks_nobody(store):
    if store == "redis":
        shared.client().set(NAME, json.dumps(STALE))
    else:
        RateLimit.objects.create(key="bucket:x", state=STALE, expires_at="2100-01-01T00:00Z")
    assert acquire(14, 1, 0, 2).wait == 0


def test_the_bucket_is_stored_where_other_processes_read_it(store):
    acquire(14, 5, 1, 2)
    stored = shared.client().get(NAME) if store == "redis" else json.dumps(RateLimit.objects.get().state)
    assert sum(json.loads(stored)["recent"].values()) == 5


@pytest.mark.redis
def test_a_worker_that_others_overtake_each_time_has_to_ask_again(store, monkeypatch):
    if store == "redis":
        monkeypatch.setattr(limit_stores, "SWAP", "return 0")
        assert acquire(14, 1, 1, 2).wait == rate_limits.BUSY_WAIT

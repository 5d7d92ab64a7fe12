"""Leave to send, under a rate that all workers keep together; by the times that whoever counts gives them."""

import random
import threading
from itertools import count

import pytest
from django.db import connections

from foodfleet.core.cache import shared
from notifications.models import RateBucket
from notifications.services.delivery import rate_limiter
from notifications.services.delivery.rate_limiter import WINDOW, Request
from notifications.states import Channel

pytestmark = pytest.mark.django_db(transaction=True)


def in_redis(name, request):
    return rate_limiter.acquire_in_redis(shared.client(), name, request)


@pytest.fixture(params=[rate_limiter.acquire_in_database, pytest.param(in_redis, marks=pytest.mark.redis)])
def ask(request):
    if request.param is in_redis:
        shared.client().delete(shared.key("grants", Channel.EMAIL))
    return lambda *args, **kwargs: request.param(Channel.EMAIL, Request(*args, **kwargs))


def most_within(window, granted):
    granted = sorted(granted)
    return max(sum(many for at, many in granted if start <= at < start + window) for start, _ in granted)


def test_workers_together_get_leave_for_no_more_than_the_rate_in_any_second_and_what_may_come_late(ask):
    rate, granted, wanted = 40, [], iter(range(60))

    def work(seed):
        dice = random.Random(seed)
        for _ in wanted:
            recipients = dice.choice([1, 1, 1, 1, 2, 5])
            while (answer := ask(rate, recipients, dice.choice([1, 3]), 3, recipients == 1)).wait > 0:
                threading.Event().wait(answer.wait / 2)
            granted.append((answer.at, recipients))
        connections.close_all()

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(6)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert len(granted) == 60
    assert most_within(WINDOW, granted) <= rate


def test_a_mail_to_many_is_not_kept_waiting_by_ever_more_small_ones(ask):
    while ask(20, 1, 1, 2).wait == 0:
        pass
    small_after = 0
    for _ in count():
        if ask(20, 20, 1, 2).wait == 0:
            break
        small_after += ask(20, 1, 1, 2).wait == 0
        assert small_after < 60
    assert ask(20, 1, 1, 2).wait > 0  # it paid for all of its recipients


def test_a_mail_to_more_than_the_rate_gets_leave_when_nothing_else_was_sent(ask):
    assert ask(14, 50, 1, 2).wait == 0
    assert ask(14, 1, 1, 2).wait > 3


def test_who_has_to_wait_for_no_time_that_can_be_told_has_no_leave_yet(ask):
    assert ask(rate=1e9, recipients=1, need=4, capacity=3).wait > 0


FUTURE = 9_000_000_000


def test_a_clock_that_was_set_back_keeps_nobody_waiting_for_the_database():
    RateBucket.objects.create(
        name="x", level=0, at=FUTURE, recent={str(FUTURE * 20): 14}, reserved_until=FUTURE, reserved_for=9
    )
    assert rate_limiter.acquire_in_database("x", Request(14, 1, 0, 2)).wait == 0


@pytest.mark.redis
def test_a_clock_that_was_set_back_keeps_nobody_waiting_for_redis():
    kept = {"level": 0, "at": FUTURE, str(FUTURE * 20): 14, "reserved_until": FUTURE, "reserved_for": 9}
    shared.client().hset(shared.key("grants", "x"), mapping=kept)
    assert in_redis("x", Request(14, 1, 0, 2)).wait == 0

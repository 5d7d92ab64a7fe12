"""API keys under load: what a warm request costs, and that a revoked key is never accepted again."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event

import pytest
from django.db import connection

from accounts.tests.programs.conftest import Caller
from foodfleet.tests.core.cache import leases

pytestmark = pytest.mark.django_db(transaction=True)
USES, AT_ONCE = 50, 8


@pytest.mark.redis
def test_a_warm_request_with_a_key_costs_neither_sql_nor_redis(
    account, new_key, roles_of_account, django_assert_num_queries
):
    leases.wait_for_lease()
    roles_of_account("users:read")
    program = Caller(new_key(allowed_networks=["127.0.0.0/8"])["key"])
    body = {"permissions": ["users:read", "users:delete"]}
    for _ in range(3):
        assert program.call("post", "/access/check/", body).status_code == 200
    with django_assert_num_queries(0), leases.no_round_trips():
        answer = program.call("post", "/access/check/", body)
    assert answer.json()["results"] == {"users:read": True, "users:delete": False}


def use_while(key, act):
    """Use the key USES times while `act()` runs; return the answers to the uses that began after it had returned."""
    begin, done = Barrier(AT_ONCE + 1), Event()

    def use(number):
        if number < AT_ONCE:
            begin.wait(30)
        was_done = done.is_set()
        try:
            return was_done, Caller(key).call("get", "/users/me/").status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(AT_ONCE) as pool:
        uses = [pool.submit(use, number) for number in range(USES)]
        begin.wait(30)
        assert act().status_code in {200, 204}
        done.set()
        answers = [one.result() for one in uses] + [use(USES) for _ in range(5)]
    return [status for was_done, status in answers if was_done]


@pytest.mark.parametrize("how", ["revoke", "lock", "delete"])
def test_no_use_succeeds_after_the_answer_that_ends_the_key(boss, account, new_key, settings, how):
    settings.THROTTLE_RATES = {**settings.THROTTLE_RATES, "api_key": None}
    key = new_key()
    assert Caller(key["key"]).call("get", "/users/me/").status_code == 200
    end = {
        "revoke": lambda: boss.call("delete", f"/service-accounts/{account}/keys/{key['id']}/"),
        "lock": lambda: boss.call("post", f"/users/{account}/lock/"),
        "delete": lambda: boss.call("delete", f"/service-accounts/{account}/"),
    }[how]
    after = use_while(key["key"], end)
    assert len(after) >= 5
    assert set(after) == {401}

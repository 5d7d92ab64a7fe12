"""What happens to accounts when several act at the same moment."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from accounts.exceptions import InvalidTokenException
from accounts.models import User
from accounts.services import one_time_tokens, password_reset, users
from accounts.states import TokenPurpose
from foodfleet.core.clients import Client
from foodfleet.core.exceptions import BaseAppException

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgres]


def at_once(calls):
    """What each call answered or raised, all of them run in threads of their own."""

    def run(call):
        try:
            return call()
        except BaseAppException as error:
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(max_workers=len(calls)) as pool:
        return list(pool.map(run, calls))


def test_a_reset_link_serves_once_under_fifty_uses_at_once(user):
    token = one_time_tokens.issue(user, TokenPurpose.RESET_PASSWORD)
    calls = [
        lambda n=n: password_reset.reset(token=token, password=f"Kitchen-{n}-New!x", client=Client()) for n in range(50)
    ]
    answers = at_once(calls)
    assert sum(isinstance(one, User) for one in answers) == 1
    assert sum(isinstance(one, InvalidTokenException) for one in answers) == 49


def test_two_superusers_who_delete_each_other_at_once_leave_one(make_user):
    for round_ in range(5):
        User.objects.all().update(is_superuser=False)
        one = make_user(f"one{round_}@example.com", is_superuser=True)
        two = make_user(f"two{round_}@example.com", is_superuser=True)
        at_once(
            [
                lambda one=one, two=two: users.delete(pk=two.pk, actor=one, client=Client()),
                lambda one=one, two=two: users.delete(pk=one.pk, actor=two, client=Client()),
            ]
        )
        assert User.objects.superusers().count() == 1

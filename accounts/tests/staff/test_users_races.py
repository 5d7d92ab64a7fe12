"""Concurrent changes of accounts."""

from concurrent.futures import ThreadPoolExecutor
from itertools import combinations_with_replacement

import pytest
from django.db import connection

from accounts.exceptions import InvalidTokenException
from accounts.models import User
from accounts.services.account import password_reset
from accounts.services.one_time import tokens
from accounts.services.staff import changes as staff_changes
from accounts.services.staff import users
from accounts.services.staff.changes import UserChanges
from accounts.states import TokenPurpose
from foodfleet.core.exceptions import BaseAppException
from foodfleet.core.http.clients import Client
from rbac.models import RoleAssignment
from rbac.services import assignments, roles

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
    token = tokens.issue(user, TokenPurpose.RESET_PASSWORD)
    calls = [
        lambda n=n: password_reset.reset(token=token, password=f"Kitchen-{n}-New!x", client=Client()) for n in range(50)
    ]
    answers = at_once(calls)
    assert sum(isinstance(one, User) for one in answers) == 1
    assert sum(isinstance(one, InvalidTokenException) for one in answers) == 49


def change(**what):
    return lambda actor, user: staff_changes.update(
        pk=user.pk, changes=UserChanges(**what), actor=actor, client=Client()
    )


REMOVALS = {
    "delete": lambda actor, user: users.delete(pk=user.pk, actor=actor, client=Client()),
    "lock": lambda actor, user: users.lock(pk=user.pk, actor=actor, client=Client()),
    "demote": change(is_superuser=False),
    "deactivate": change(is_active=False),
}


@pytest.mark.parametrize("ways", list(combinations_with_replacement(REMOVALS, 2)), ids="-".join)
def test_of_two_superusers_who_remove_each_other_at_once_one_is_left(make_user, ways):
    for round_ in range(5):
        User.objects.all().update(is_superuser=False)
        one, two = (make_user(f"{name}{round_}@example.com", is_superuser=True) for name in ("one", "two"))
        at_once(
            [
                lambda one=one, two=two: REMOVALS[ways[0]](one, two),
                lambda one=one, two=two: REMOVALS[ways[1]](two, one),
            ]
        )
        assert User.objects.superusers().filter(locked_at=None).count() == 1


def test_who_is_deleted_while_they_get_a_role_holds_nothing(make_user):
    role = roles.create(actor=None, edit=roles.RoleEdit(name="Taster"))
    for round_ in range(20):
        user = make_user(f"user{round_}@example.com")
        at_once(
            [
                lambda user=user: assignments.grant(actor=None, user=user, role=role),
                lambda user=user: users.delete(pk=user.pk, actor=None, client=Client()),
            ]
        )
        assert not RoleAssignment.objects.of(user).unended().exists()

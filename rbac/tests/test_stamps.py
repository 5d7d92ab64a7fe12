"""What version stamps promise."""

import pytest
from django.core.signals import request_started
from django.db import transaction

from accounts.models import User
from foodfleet.core import stamps

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_stamp_changes_with_what_it_stands_for_and_not_otherwise():
    first = stamps.current("a", "b")
    assert stamps.current("a", "b") == first
    stamps.renew("a")
    second = stamps.current("a", "b")
    assert second[0] != first[0]
    assert second[1] == first[1]


def test_what_was_rolled_back_never_counts():
    stamps.renew("a")
    before = stamps.current("a")
    with transaction.atomic():
        stamps.renew("a")
        assert stamps.current("a") != before
        transaction.set_rollback(True)
    assert stamps.current("a") == before


@pytest.mark.redis
def test_the_first_check_of_a_request_costs_no_sql_with_redis(user, allow, django_assert_num_queries):
    allow(user, "users:read")
    for _ in range(2):
        request_started.send(sender=None)
        assert User.objects.get(pk=user.pk).has_perm("users:read")
    fresh = User.objects.get(pk=user.pk)
    request_started.send(sender=None)
    with django_assert_num_queries(0):
        assert fresh.has_perm("users:read")
        assert not fresh.has_perm("users:delete")


@pytest.mark.redis
def test_a_slow_reader_does_not_put_back_what_was_before_a_change(monkeypatch):
    stamps.renew("a")
    read = stamps._rows

    def slowly(keys):
        rows = read(keys)
        monkeypatch.setattr(stamps, "_rows", read)
        stamps.renew("a")  # somebody changes it between our reading and our putting it down
        return rows

    from foodfleet.core import shared_cache

    shared_cache.client().flushdb()
    monkeypatch.setattr(stamps, "_rows", slowly)
    old = stamps.current("a")
    assert stamps.current("a") != old
    assert stamps.current("a") == read(["a"])

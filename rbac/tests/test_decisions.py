"""What a user may do follows from their assignments, at once and to the second."""

from datetime import timedelta

import pytest
from django.utils import timezone
from django.utils.functional import SimpleLazyObject

from accounts.models import User
from rbac.models import Role
from rbac.services import assignments, decisions

pytestmark = pytest.mark.django_db


def test_a_scoped_role_gives_nothing_in_other_scopes(user, allow):
    allow(user, "users:read", scope="fleet:12")
    assert user.has_perm("users:read", "fleet:12")
    assert not user.has_perm("users:read", "fleet:13")
    assert not user.has_perm("users:read")


def test_a_warm_check_costs_no_sql(user, allow, django_assert_num_queries):
    allow(user, "users:read")
    user.has_perm("users:read")
    with django_assert_num_queries(0):
        for _ in range(100):
            assert user.has_perm("users:read")


def test_a_lazy_wrapper_shares_what_was_read_with_its_user(user, allow, django_assert_num_queries):
    allow(user, "users:read")
    lazy = SimpleLazyObject(lambda: user)  # as `request.user` is
    assert decisions.has(lazy, "users:read")
    with django_assert_num_queries(0):
        assert user.has_perm("users:read")


def test_an_assignment_expires_to_the_second(user, allow, monkeypatch):
    allow(user, "users:read", expires_at=timezone.now() + timedelta(seconds=0.4))
    assert user.has_perm("users:read")
    import time

    time.sleep(0.45)
    assert not user.has_perm("users:read")
    assert not User.objects.get(pk=user.pk).has_perm("users:read")


def test_default_roles_exist_after_migrate(user):
    assert Role.objects.live().filter(is_system=True).count() == 7
    assignments.grant(actor=None, user=user, role=Role.objects.get(name="Auditor"))
    assert decisions.roles_of(user) == ["Auditor"]
    assert user.has_perm("notifications:read")
    assert not user.has_perm("notifications:send")

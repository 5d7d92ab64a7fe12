"""A permission has the same decision under every alias."""

from datetime import timedelta

import pytest
from django.template import Context, Template
from django.utils import timezone
from django.utils.functional import SimpleLazyObject

from accounts.models import User
from foodfleet.core.exceptions import InsufficientPermissionsException
from rbac.models import Role
from rbac.services import assignments, decisions, roles

pytestmark = pytest.mark.django_db


def test_a_codename_a_django_name_and_a_template_agree(user, allow):
    names = ["users:read", "accounts.view_user", "users.read", "rbac.users:read"]
    page = Template(
        "{% if perms.accounts.view_user %}a{% endif %}{% if perms.users.read %}b{% endif %}"
        '{% if "users:read" in perms %}c{% endif %}{% if perms.accounts %}d{% endif %}'
    )
    from django.contrib.auth.context_processors import PermWrapper

    assert not any(user.has_perm(name) for name in names)
    assert page.render(Context({"perms": PermWrapper(user)})) == ""
    allow(user, "users:read")
    assert all(user.has_perm(name) for name in names)
    assert page.render(Context({"perms": PermWrapper(user)})) == "abcd"
    assert {"users:read", "accounts.view_user"} <= user.get_all_permissions()
    assert not user.has_perm("users:delete")
    assert not user.has_perm("accounts.delete_user")


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


def test_a_role_with_permissions_that_the_actor_lacks_cannot_be_assigned(user, make_user, allow):
    boss = make_user("boss@example.com")
    allow(boss, "users:read", "roles:assign")
    strong = roles.create(actor=None, edit=roles.RoleEdit(name="strong", permissions=["users:read", "users:delete"]))
    with pytest.raises(InsufficientPermissionsException) as error:
        assignments.grant(actor=boss, user=user, role=strong)
    assert error.value.details["missing"] == ["users:delete"]


def test_a_temporary_permission_cannot_be_granted_for_longer(user, make_user, allow):
    boss = make_user("boss@example.com")
    soon = timezone.now() + timedelta(hours=1)
    allow(boss, "roles:assign")
    allow(boss, "users:read", expires_at=soon)
    reader = roles.create(actor=None, edit=roles.RoleEdit(name="reader", permissions=["users:read"]))
    assignments.grant(actor=boss, user=user, role=reader, expires_at=soon)
    with pytest.raises(InsufficientPermissionsException):
        assignments.grant(actor=boss, user=user, role=reader)


def test_default_roles_exist_after_migrate(user):
    assert Role.objects.live().filter(is_system=True).count() == 7
    assignments.grant(actor=None, user=user, role=Role.objects.get(name="Auditor"))
    assert decisions.roles_of(user) == ["Auditor"]
    assert user.has_perm("notifications:read")
    assert not user.has_perm("notifications:send")

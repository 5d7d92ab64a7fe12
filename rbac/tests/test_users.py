"""The users whose access is decided."""

import pytest
from django.utils import timezone

from accounts.models import User
from rbac.exceptions import HolderNotFoundException
from rbac.models import UserStatus
from rbac.services import graph, roles, users

pytestmark = pytest.mark.django_db


def test_a_deleted_user_has_no_roles_and_cannot_get_any(as_root, user):
    role = as_root.post("/api/v1/roles/", {"name": "r", "permissions": ["users:read"]}).json()["id"]
    as_root.delete(f"/api/v1/users/{user.pk}/")
    for answer in (
        as_root.get(f"/api/v1/users/{user.pk}/roles/"),
        as_root.post(f"/api/v1/users/{user.pk}/roles/", {"role": role}),
        as_root.delete(f"/api/v1/users/{user.pk}/roles/{role}/"),
        as_root.post("/api/v1/access/check/", {"permissions": ["users:read"], "user": user.pk}),
    ):
        assert (answer.status_code, answer.json()["code"]) == (404, "user_not_found")


def test_the_status_of_a_user_is_known_for_each_time(make_user):
    before = timezone.now()
    user = make_user("root@example.com", is_superuser=True)
    as_root = timezone.now()
    user.is_superuser = False
    user.save(update_fields=["is_superuser"])
    demoted = timezone.now()
    user.is_active = False
    user.save(update_fields=["is_active"])
    assert [users.status_at(user, at) for at in (before, as_root, demoted, timezone.now(), None)] == [
        users.Status(is_active=False, is_superuser=False),
        users.Status(is_active=True, is_superuser=True),
        users.Status(is_active=True, is_superuser=False),
        users.Status(is_active=False, is_superuser=False),
        users.Status(is_active=False, is_superuser=False),
    ]


def test_a_status_is_recorded_only_when_it_changes(user):
    before = UserStatus.objects.of(user).count()
    user.first_name = "Anna"
    user.save(update_fields=["first_name"])
    users.record_status(user)
    assert UserStatus.objects.of(user).count() == before == 1


def test_a_deleted_user_is_found_for_the_history_only(user):
    User.objects.filter(pk=user.pk).update(deleted_at=timezone.now())
    assert users.find_including_deleted(user.pk) == user
    for refused in (lambda: users.find(user.pk), lambda: users.lock_existing(user), lambda: users.find(987654)):
        with pytest.raises(HolderNotFoundException):
            refused()


def test_the_names_of_roles_are_sorted_and_deleted_roles_left_out():
    named = [roles.create(actor=None, edit=roles.RoleEdit(name=name)) for name in ("Taster", "Griller", "Washer")]
    ids = ",".join(str(role.pk) for role in named)
    roles.delete(actor=None, role=named[2])
    assert users.role_names(ids, graph.load()) == ["Griller", "Taster"]
    assert users.role_names(None, graph.load()) == []

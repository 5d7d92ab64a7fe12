"""Nobody grants what they do not have, or acts on a user who has more."""

from datetime import timedelta

import pytest
from django.utils import timezone

from foodfleet.core.exceptions import InsufficientPermissionsException
from rbac.models import Role
from rbac.services import assignments, roles

pytestmark = pytest.mark.django_db


def test_a_role_cannot_get_permissions_that_its_editor_lacks(api, user, allow, as_root):
    role = as_root.post("/api/v1/roles/", {"name": "r", "permissions": ["users:read"]}).json()["id"]
    strong = as_root.post("/api/v1/roles/", {"name": "s", "permissions": ["users:delete"]}).json()["id"]
    allow(user, "roles:read", "roles:create", "roles:update", "roles:assign", "users:read")
    api.force_authenticate(user)
    for refused in (
        api.post("/api/v1/roles/", {"name": "x", "permissions": ["users:delete"]}),
        api.post("/api/v1/roles/", {"name": "x", "includes": [strong]}),
        api.patch(f"/api/v1/roles/{role}/", {"permissions": ["users:read", "users:delete"]}),
        api.patch(f"/api/v1/roles/{role}/", {"includes": [strong]}),
        api.patch(f"/api/v1/roles/{strong}/", {"permissions": []}),  # who holds it may hold more than whoever edits it
        api.post(f"/api/v1/users/{user.pk}/roles/", {"role": strong}),
        api.post(f"/api/v1/users/{user.pk}/roles/", {"role": strong, "scope": "fleet:1"}),
    ):
        assert refused.status_code == 403, refused.content
        assert refused.json()["details"] == {"missing": ["users:delete"]}
    assert not Role.objects.filter(name="x").exists()
    assert api.get(f"/api/v1/roles/{role}/").json()["permissions"] == ["users:read"]
    assert api.patch(f"/api/v1/roles/{role}/", {"description": "mine"}).status_code == 200


@pytest.mark.django_db(transaction=True)
def test_a_holder_cannot_add_permissions_to_their_own_role(make_user, sign_in, api):
    ann = make_user()
    role = roles.create(actor=None, edit=roles.RoleEdit(name="Editor", permissions=["roles:read", "roles:update"]))
    assignments.grant(actor=None, user=ann, role=role)
    wanted = {"permissions": ["roles:read", "roles:update", "users:delete"]}
    answer = api.patch(f"/api/v1/roles/{role.pk}/", wanted, headers={"Authorization": f"Bearer {sign_in()['access']}"})
    assert answer.status_code == 403, answer.content
    assert "users:delete" in str(answer.json()["details"])
    assert not role.permissions.filter(codename="users:delete").exists()


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

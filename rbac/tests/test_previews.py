"""What a change of a role would change for its holders."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from rbac.services import assignments, roles

pytestmark = pytest.mark.django_db


def test_a_preview_lists_who_would_gain_and_lose_which_permission(as_root, user, make_user, allow):
    role = as_root.post("/api/v1/roles/", {"name": "r", "permissions": ["users:read", "users:lock"]}).json()["id"]
    outer = as_root.post("/api/v1/roles/", {"name": "outer", "includes": [role]}).json()["id"]
    other = make_user("other@example.com")
    as_root.post(f"/api/v1/users/{user.pk}/roles/", {"role": role})
    as_root.post(f"/api/v1/users/{other.pk}/roles/", {"role": outer, "scope": "fleet:1"})
    allow(user, "users:delete", "users:read")
    seen = as_root.post(f"/api/v1/roles/{role}/preview/", {"permissions": ["users:lock", "users:delete"]}).json()
    assert seen == {
        "gained": [{"permission": "users:delete", "users": 1, "examples": [{"id": other.pk, "email": other.email}]}],
        "lost": [{"permission": "users:read", "users": 1, "examples": [{"id": other.pk, "email": other.email}]}],
    }
    assert user.has_perm("users:read")


def test_a_preview_takes_a_constant_number_of_queries(as_root, user):
    codenames = ["users:create", "users:read", "users:lock", "roles:create", "roles:read", "events:read"]
    role = roles.create(actor=None, edit=roles.RoleEdit(name="r", permissions=codenames[:3]))
    assignments.grant(actor=None, user=user, role=role)
    costs = []
    for wanted in ([*codenames[:2], codenames[3]], codenames[3:]):  # one lost and one gained; three and three
        with CaptureQueriesContext(connection) as requested:
            seen = as_root.post(f"/api/v1/roles/{role.pk}/preview/", {"permissions": wanted}).json()
        assert {effect["users"] for effect in seen["gained"] + seen["lost"]} == {1}
        costs.append(len(requested))
    assert costs[0] == costs[1]


def test_a_preview_skips_users_who_keep_a_permission_by_another_role(as_root, user, make_user):
    role = roles.create(actor=None, edit=roles.RoleEdit(name="r", permissions=["users:read"]))
    beside = roles.create(actor=None, edit=roles.RoleEdit(name="beside", permissions=["users:read", "users:lock"]))
    everywhere, elsewhere, alone = user, make_user("else@example.com"), make_user("alone@example.com")
    for person in (everywhere, elsewhere, alone):
        assignments.grant(actor=None, user=person, role=role, scope="fleet:12")
    assignments.grant(actor=None, user=everywhere, role=beside)
    assignments.grant(actor=None, user=elsewhere, role=beside, scope="fleet:13")
    seen = as_root.post(f"/api/v1/roles/{role.pk}/preview/", {"permissions": ["users:lock"]}).json()
    effects = seen["gained"] + seen["lost"]
    assert [effect["permission"] for effect in effects] == ["users:lock", "users:read"]
    for effect in effects:
        assert [example["email"] for example in effect["examples"]] == ["else@example.com", "alone@example.com"]


def test_a_preview_of_an_unknown_permission_is_a_validation_error(as_root):
    role = as_root.post("/api/v1/roles/", {"name": "r"}).json()["id"]
    requested = {"permissions": ["users:read", "Users:lock"]}
    preview = as_root.post(f"/api/v1/roles/{role}/preview/", requested)
    edit = as_root.patch(f"/api/v1/roles/{role}/", requested)
    assert (preview.status_code, edit.status_code) == (422, 422)
    assert preview.json()["details"] == edit.json()["details"]

"""Roles are created, changed and deleted, and their history stays."""

import pytest

from rbac.models import Role, RoleRevision
from rbac.permissions import SUPPORT
from rbac.services import roles

pytestmark = pytest.mark.django_db


def test_a_role_can_be_created_read_changed_and_deleted(as_root):
    made = as_root.post("/api/v1/roles/", {"name": "Editors", "description": "d", "permissions": ["users:read"]})
    assert made.status_code == 201, made.content
    body = made.json()
    assert {"id", "name", "description", "permissions", "requires_2fa", "users_count"} <= body.keys()
    assert (body["permissions"], body["users_count"], body["requires_2fa"]) == (["users:read"], 0, False)
    url = f"/api/v1/roles/{body['id']}/"
    assert as_root.get(url).json() == body
    changed = as_root.patch(url, {"permissions": ["users:read", "users:lock"], "requires_2fa": True}).json()
    assert changed["permissions"] == ["users:lock", "users:read"]
    assert changed["requires_2fa"] is True
    assert as_root.delete(url).status_code == 204
    assert as_root.get(url).json()["code"] == "role_not_found"
    assert as_root.post("/api/v1/roles/", {"name": "Editors"}).status_code == 201
    assert RoleRevision.objects.filter(role_id=body["id"]).count() == 3


def test_the_history_of_a_role_is_listed_also_after_its_deletion(as_root, root):
    made = as_root.post("/api/v1/roles/", {"name": "Editors", "permissions": ["users:read"]}).json()["id"]
    as_root.patch(f"/api/v1/roles/{made}/", {"permissions": []})
    as_root.delete(f"/api/v1/roles/{made}/")
    rows = as_root.get(f"/api/v1/roles/{made}/revisions/").json()["results"]
    assert [(row["permissions"], row["is_deleted"]) for row in rows] == [
        ([], True),
        ([], False),
        (["users:read"], False),
    ]
    assert {row["created_by"] for row in rows} == {root.pk}
    assert as_root.get(f"/api/v1/roles/{'9' * 30}/revisions/").json()["code"] == "role_not_found"


def test_an_assigned_included_or_declared_role_cannot_be_deleted(as_root, user):
    assignment = as_root.post("/api/v1/roles/", {"name": "assignment"}).json()["id"]
    as_root.post(f"/api/v1/users/{user.pk}/roles/", {"role": assignment})
    assert as_root.delete(f"/api/v1/roles/{assignment}/").status_code == 409
    inner = as_root.post("/api/v1/roles/", {"name": "inner"}).json()["id"]
    as_root.post("/api/v1/roles/", {"name": "outer", "includes": [inner]})
    assert as_root.delete(f"/api/v1/roles/{inner}/").json()["code"] == "conflict"
    assert as_root.delete(f"/api/v1/roles/{Role.objects.get(name='Driver').pk}/").status_code == 409


def test_an_edit_of_a_stale_role_keeps_the_changes_of_others():
    role = roles.create(actor=None, edit=roles.RoleEdit(name="Cooks"))
    read_earlier = Role.objects.get(pk=role.pk)
    roles.update(actor=None, role=role, edit=roles.RoleEdit(requires_2fa=True))
    roles.update(actor=None, role=read_earlier, edit=roles.RoleEdit(description="They cook."))
    stored = Role.objects.get(pk=role.pk)
    assert (stored.requires_2fa, stored.description) == (True, "They cook.")


@pytest.mark.parametrize("name", ["support", "SUPPORT", " Support "])
def test_role_names_are_unique_regardless_of_case(as_root, name):
    assert as_root.post("/api/v1/roles/", {"name": name}).json()["code"] == "conflict"
    other = as_root.post("/api/v1/roles/", {"name": "other"}).json()["id"]
    assert as_root.patch(f"/api/v1/roles/{other}/", {"name": name}).status_code == 409
    assert as_root.patch(f"/api/v1/roles/{other}/", {"name": "Other"}).status_code == 200


def test_a_declared_role_cannot_be_renamed(api, make_user):
    api.force_authenticate(make_user("root@example.com", is_superuser=True))
    role = Role.objects.get(name=SUPPORT)
    refused = api.patch(f"/api/v1/roles/{role.pk}/", {"name": "Helpers"})
    assert (refused.status_code, list(refused.json()["details"])) == (422, ["name"])
    assert api.patch(f"/api/v1/roles/{role.pk}/", {"name": SUPPORT, "description": "Help."}).status_code == 200

"""Permissions that people add to the declared ones."""

import pytest

from rbac.models import Role

pytestmark = pytest.mark.django_db


def test_permissions_can_be_added_and_deleted_unless_declared(as_root):
    made = as_root.post("/api/v1/permissions/", {"resource": "articles", "action": "create", "description": "Write"})
    assert made.status_code == 201
    assert made.json() | {"id": 0} == {
        "id": 0, "resource": "articles", "action": "create", "label": "articles:create", "description": "Write",
    }  # fmt: skip
    administrator = Role.objects.get(name="Administrator")
    assert "articles:create" in as_root.get(f"/api/v1/roles/{administrator.pk}/").json()["permissions"]
    assert as_root.post("/api/v1/permissions/", {"resource": "articles", "action": "create"}).status_code == 409
    assert as_root.post("/api/v1/permissions/", {"resource": "A b", "action": "create"}).status_code == 422
    listed = as_root.get("/api/v1/permissions/?page_size=100").json()["results"]
    by_codename = {row["label"]: row["id"] for row in listed}
    assert as_root.delete(f"/api/v1/permissions/{by_codename['users:read']}/").status_code == 409
    assert as_root.delete(f"/api/v1/permissions/{by_codename['articles:create']}/").status_code == 204
    assert as_root.delete("/api/v1/permissions/999999/").json()["code"] == "permission_not_found"
    assert "articles:create" not in as_root.get(f"/api/v1/roles/{administrator.pk}/").json()["permissions"]

"""Roles are assigned to users, everywhere or in a scope, and revoked."""

from datetime import timedelta

import pytest
from django.utils import timezone

from rbac.services import scopes

pytestmark = pytest.mark.django_db


def test_roles_can_be_assigned_and_revoked(as_root, user, root):
    role = as_root.post("/api/v1/roles/", {"name": "r", "permissions": ["users:read"]}).json()["id"]
    url = f"/api/v1/users/{user.pk}/roles/"
    until = (timezone.now() + timedelta(days=1)).isoformat()
    given = as_root.post(url, {"role": role, "scope": "fleet:12", "expires_at": until})
    assert given.status_code == 201
    assert as_root.post(url, {"role": role}).status_code == 201
    listed = as_root.get(url).json()["results"]
    assert [(row["role"], row["scope"], row["granted_by"]) for row in listed] == [
        (role, "fleet:12", root.pk),
        (role, None, root.pk),
    ]
    assert as_root.get(f"/api/v1/roles/{role}/").json()["users_count"] == 1
    assert as_root.delete(f"{url}{role}/?scope=fleet:12").status_code == 204
    assert user.has_perm("users:read")
    assert as_root.delete(f"{url}{role}/").status_code == 204
    assert not user.has_perm("users:read")
    assert as_root.delete(f"{url}{role}/").json()["code"] == "role_not_found"
    assert as_root.post(url, {"role": role, "scope": "no scope"}).status_code == 422
    assert as_root.post(url, {"role": role, "expires_at": "2020-01-01T00:00:00Z"}).status_code == 422
    assert as_root.post("/api/v1/users/999999/roles/", {"role": role}).json()["code"] == "user_not_found"


def test_a_scoped_roles_assign_allows_assigning_in_that_scope_only(api, user, make_user, allow, as_root):
    reader = as_root.post("/api/v1/roles/", {"name": "r", "permissions": ["users:read"]}).json()["id"]
    driver = make_user("driver@example.com")
    for number in (12, 13):
        fleet = scopes.create(actor=None, kind="fleet", key=str(number))
        scopes.add_member(actor=None, scope_id=fleet.pk, user=driver)
    allow(user, "roles:assign", "users:read", scope="fleet:12")
    api.force_authenticate(user)
    url = f"/api/v1/users/{driver.pk}/roles/"
    assert api.post(url, {"role": reader, "scope": "fleet:12"}).status_code == 201
    assert api.post(url, {"role": reader, "scope": "fleet:13"}).status_code == 403
    assert api.post(url, {"role": reader}).status_code == 403
    assert api.delete(f"{url}{reader}/").status_code == 403
    assert api.delete(f"{url}{reader}/?scope=fleet:12").status_code == 204


@pytest.mark.parametrize(
    "scope",
    ["fleet", "fleet:", ":12", "fleet:12:13", "Fleet:12", " fleet:12", "fleet:12\n", "  ", "fleet:é", "fleet:１２", 12],
)
def test_an_invalid_scope_is_rejected_and_never_means_everywhere(as_root, user, scope):
    role = as_root.post("/api/v1/roles/", {"name": "r", "permissions": ["users:read"]}).json()["id"]
    refused = as_root.post(f"/api/v1/users/{user.pk}/roles/", {"role": role, "scope": scope})
    assert (refused.status_code, list(refused.json()["details"])) == (422, ["scope"])
    assert not user.has_perm("users:read")

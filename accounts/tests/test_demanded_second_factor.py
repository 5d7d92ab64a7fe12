"""A role may demand a second factor."""

import pytest

from conftest import PASSWORD
from rbac.services import assignments, roles

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_holder_without_a_second_factor_can_only_set_one_up(api, user, sign_in):
    role = roles.create(actor=None, edit=roles.RoleEdit(name="strict", permissions=["users:read"], requires_2fa=True))
    token = {"Authorization": f"Bearer {sign_in()['access']}"}
    assert api.get("/api/v1/users/me/", headers=token).status_code == 200
    assignments.grant(actor=None, user=user, role=role, scope="fleet:12")
    for path in ("/api/v1/users/me/", "/api/v1/roles/", "/api/v1/auth/sessions/"):
        refused = api.get(path, headers=token)
        assert (refused.status_code, refused.json()["code"]) == (403, "two_factor_required")
    assert api.get("/api/v1/auth/2fa/", headers=token).status_code == 200
    assert api.post("/api/v1/auth/2fa/setup/", {"password": PASSWORD}, headers=token).status_code == 200
    assignments.revoke(actor=None, user=user, role=role)
    assert api.get("/api/v1/users/me/", headers=token).status_code == 200

"""Roles include roles, and are read at once with all that they give."""

import pytest

from rbac.services import graph

pytestmark = pytest.mark.django_db


def test_a_role_has_included_permissions_and_cannot_form_a_cycle(as_root, user):
    inner = as_root.post("/api/v1/roles/", {"name": "inner", "permissions": ["users:read"]}).json()["id"]
    middle = as_root.post("/api/v1/roles/", {"name": "middle", "includes": [inner]}).json()["id"]
    outer = as_root.post("/api/v1/roles/", {"name": "outer", "includes": [middle]}).json()["id"]
    as_root.post(f"/api/v1/users/{user.pk}/roles/", {"role": outer})
    assert user.has_perm("users:read")
    for target, included in ((inner, outer), (inner, inner), (middle, outer)):
        refused = as_root.patch(f"/api/v1/roles/{target}/", {"includes": [included]})
        assert refused.status_code == 422
        assert refused.json()["details"]["includes"][0]["code"] == "inclusion_cycle"
    why = as_root.get(f"/api/v1/access/explain/?user={user.pk}&permission=users:read").json()
    assert why["because"][0]["path"] == ["outer", "middle", "inner"]
    assert why["because"][0]["granted_by"] == "root@example.com"
    as_root.patch(f"/api/v1/roles/{middle}/", {"includes": []})
    assert not user.has_perm("users:read")


def test_the_roles_include_far_permissions_and_requirements():
    rows = [graph.RoleRow(1, "outer", False, False), graph.RoleRow(2, "middle", True, False)]
    rows.append(graph.RoleRow(3, "inner", False, True))
    own = {1: {"users:read"}, 3: {"users:lock"}}
    found = graph.assemble(rows, own, {1: [2], 2: [3, 99]}, frozenset(), {})  # role 99 is deleted
    outer, middle = found.roles[1], found.roles[2]
    assert outer.codenames == {"users:read", "users:lock"}
    assert (outer.requires_2fa, outer.forbids_sms_code) == (True, True)
    assert (middle.includes, middle.reach) == ({3}, {2, 3})
    assert found.inherited(1) == {"users:lock": ("inner",)}
    assert found.holding("users:lock") == {1, 2, 3}


def test_a_cycle_of_scopes_made_by_hand_ends():
    above = graph.scopes_above({"fleet:1": "region:n", "region:n": "fleet:1", "fleet:2": "fleet:2"})
    assert above == {"fleet:1": ("region:n",), "region:n": ("fleet:1",), "fleet:2": ()}


@pytest.mark.parametrize(
    ("name", "codename"),
    [
        ("users:read", "users:read"),
        ("users.read", "users:read"),
        ("rbac.users:read", "users:read"),
        ("accounts.view_user", "users:read"),
        ("other.view_thing", "other.view_thing"),
    ],
)
def test_every_name_of_a_permission_has_one_codename(name, codename):
    assert graph.resolve_alias(name) == codename

"""Roles, permissions and assignments over the API."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from rbac.models import Role, RoleRevision
from rbac.services import assignments, roles, scopes

pytestmark = pytest.mark.django_db


@pytest.fixture
def root(make_user):
    return make_user("root@example.com", is_superuser=True, is_staff=True)


@pytest.fixture
def as_root(api, root):
    api.force_authenticate(root)
    return api


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


def test_checking_another_user_requires_access_check(api, user, make_user, allow):
    allow(user, "users:read")
    allow(user, "users:lock", scope="fleet:12")
    api.force_authenticate(user)
    requested = {"permissions": ["users:read", "users:lock", "no:such"]}
    assert api.post("/api/v1/access/check/", requested).json() == {
        "results": {"users:read": True, "users:lock": False, "no:such": False}
    }
    scoped = api.post("/api/v1/access/check/", {**requested, "scope": "fleet:12"}).json()["results"]
    assert scoped == {"users:read": True, "users:lock": True, "no:such": False}
    other = make_user("other@example.com")
    refused = api.post("/api/v1/access/check/", {**requested, "user": other.pk})
    assert refused.status_code == 403
    assert refused.json()["details"] == {"missing": ["access:check"]}
    allow(user, "access:check")
    assert not any(api.post("/api/v1/access/check/", {**requested, "user": other.pk}).json()["results"].values())
    assert api.post("/api/v1/access/check/", {**requested, "user": 999999}).json()["code"] == "user_not_found"
    assert api.post("/api/v1/access/check/", {"permissions": []}).status_code == 422
    assert api.post("/api/v1/access/check/", {"permissions": ["a:b"] * 101}).status_code == 422


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


def test_an_explanation_of_the_past_uses_the_history(as_root, user):
    role = as_root.post("/api/v1/roles/", {"name": "r", "permissions": ["users:read"]}).json()["id"]
    url = f"/api/v1/users/{user.pk}/roles/"
    as_root.post(url, {"role": role})
    given = timezone.now()
    as_root.patch(f"/api/v1/roles/{role}/", {"permissions": []})
    edited = timezone.now()
    as_root.patch(f"/api/v1/roles/{role}/", {"permissions": ["users:read"]})
    as_root.delete(f"{url}{role}/")
    ended = timezone.now()

    def explained(at):
        query = {"user": user.pk, "permission": "users:read", "at": at.isoformat()}
        return as_root.get("/api/v1/access/explain/", query).json()

    then = explained(given)
    assert then["allowed"] is True
    assert then["because"][0]["role"] == "r"
    assert then["because"][0]["granted_by"] == "root@example.com"
    assert explained(edited)["allowed"] is False
    assert explained(ended)["missing"]["expired"] is not None
    assert explained(given - timedelta(days=1))["allowed"] is False
    as_root.delete(f"/api/v1/roles/{role}/")
    assert explained(given)["allowed"] is True


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


def test_an_edit_of_a_stale_role_keeps_the_changes_of_others():
    role = roles.create(actor=None, edit=roles.RoleEdit(name="Cooks"))
    read_earlier = Role.objects.get(pk=role.pk)
    roles.update(actor=None, role=role, edit=roles.RoleEdit(requires_2fa=True))
    roles.update(actor=None, role=read_earlier, edit=roles.RoleEdit(description="They cook."))
    stored = Role.objects.get(pk=role.pk)
    assert (stored.requires_2fa, stored.description) == (True, "They cook.")


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


@pytest.mark.parametrize("name", ["support", "SUPPORT", " Support "])
def test_role_names_are_unique_regardless_of_case(as_root, name):
    assert as_root.post("/api/v1/roles/", {"name": name}).json()["code"] == "conflict"
    other = as_root.post("/api/v1/roles/", {"name": "other"}).json()["id"]
    assert as_root.patch(f"/api/v1/roles/{other}/", {"name": name}).status_code == 409
    assert as_root.patch(f"/api/v1/roles/{other}/", {"name": "Other"}).status_code == 200


@pytest.mark.parametrize(
    "scope",
    ["fleet", "fleet:", ":12", "fleet:12:13", "Fleet:12", " fleet:12", "fleet:12\n", "  ", "fleet:é", "fleet:１２", 12],
)
def test_an_invalid_scope_is_rejected_and_never_means_everywhere(as_root, user, scope):
    role = as_root.post("/api/v1/roles/", {"name": "r", "permissions": ["users:read"]}).json()["id"]
    refused = as_root.post(f"/api/v1/users/{user.pk}/roles/", {"role": role, "scope": scope})
    assert (refused.status_code, list(refused.json()["details"])) == (422, ["scope"])
    assert not user.has_perm("users:read")


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

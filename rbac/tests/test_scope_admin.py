"""Scopes and their members in the admin; staff with a role in a scope see its members only."""

import re

import pytest

from accounts.models import User
from rbac.models import Role, RoleAssignment, Scope, ScopeMembership
from rbac.services import assignments, roles, scopes

pytestmark = pytest.mark.django_db
SCOPES, MEMBERS, USERS = "/admin/rbac/scope/", "/admin/rbac/scopemembership/", "/admin/accounts/user/"


@pytest.fixture(autouse=True)
def _without_2fa(settings):
    settings.ADMIN_REQUIRE_2FA = False


@pytest.fixture
def root(client, make_user):
    client.force_login(make_user("root@example.com", is_staff=True, is_superuser=True))
    return client


@pytest.fixture
def fleet():
    return scopes.create(actor=None, kind="fleet", key="12", name="Harbour")


@pytest.fixture
def manager(client, make_user):
    client.staff = make_user("manager@example.com", is_staff=True)
    client.force_login(client.staff)
    return client


def member_of(fleet, user):
    return scopes.add_member(actor=None, scope_id=fleet.pk, user=user)[0]


def test_staff_create_rename_and_delete_a_scope(root, fleet, user):
    assert root.post(f"{SCOPES}add/", {"kind": "fleet", "key": "12"}).status_code == 200  # there already
    assert root.post(f"{SCOPES}add/", {"kind": "fleet", "key": "13", "parent": fleet.pk}).status_code == 302
    below = Scope.objects.get(identifier="fleet:13")
    assert below.parent == fleet
    assert root.get(f"{SCOPES}{below.pk}/change/").status_code == 200
    assert root.post(f"{SCOPES}{below.pk}/change/", {"name": "Quay", "parent": ""}).status_code == 302
    assert Scope.objects.filter(pk=below.pk, name="Quay", parent=None).exists()
    root.post(f"{SCOPES}{below.pk}/delete/", {"post": "yes"})
    assert not Scope.objects.filter(pk=below.pk).exists()
    member_of(fleet, user)
    refused = root.post(f"{SCOPES}{fleet.pk}/delete/", {"post": "yes"}, follow=True)
    assert "This scope is in use" in refused.content.decode()
    assert [row.pk for row in root.get(f"{SCOPES}?q=harb").context["cl"].result_list] == [fleet.pk]


def test_the_page_of_a_scope_shows_members_roles_and_scopes_below_it(root, fleet, user):
    below = scopes.create(actor=None, kind="truck", key="3", name="Van", parent=fleet.pk)
    member_of(fleet, user)
    role = Role.objects.get(name="Driver")
    assignments.grant(actor=None, user=user, role=role, scope=fleet.identifier)
    page = root.get(f"{SCOPES}{fleet.pk}/change/")
    shown = {section.anchor: section for section in page.context["sections"]}
    links = [f"{USERS}{user.pk}/change/", f"{SCOPES}{below.pk}/change/", f"/admin/rbac/role/{role.pk}/change/"]
    assert list(shown) == ["members", "roles", "below"]
    assert [link for link in links if f'href="{link}"' not in page.content.decode()] == []
    assert root.get(shown["roles"].link).context["cl"].result_count == 1
    assert root.get(shown["members"].link).context["cl"].result_count == 1


def test_staff_add_and_remove_members(root, fleet, user, make_user):
    bob = make_user("bob@example.com")
    for one in (user, bob):
        assert root.post(f"{MEMBERS}add/", {"scope": "fleet:12", "user": one.pk}).status_code == 302
    page = root.get(f"{MEMBERS}?scope__identifier__exact=fleet:12&q=bob")
    assert [row.user for row in page.context["cl"].result_list] == [bob]
    assert "Harbour (fleet:12)" in root.get(f"{USERS}{bob.pk}/change/").content.decode()
    chosen = ScopeMembership.objects.get(user=bob).pk
    root.post(MEMBERS, {"action": "delete_selected", "_selected_action": [chosen], "post": "yes"})
    assert list(ScopeMembership.objects.values_list("user", flat=True)) == [user.pk]
    history = root.get(f"{USERS}{bob.pk}/history/").content.decode()
    assert "Added to the scope: Harbour (fleet:12)" in history
    assert "Removed from the scope: Harbour (fleet:12)" in history


def test_a_role_is_assigned_in_a_scope_of_the_list(root, fleet, user):
    role = roles.create(actor=None, edit=roles.RoleEdit(name="Reader", permissions=["users:read"]))
    field = {"app_label": "rbac", "model_name": "scopemembership", "field_name": "scope", "term": "harb"}
    found = root.get("/admin/autocomplete/", field).json()["results"]
    assert found == [{"id": "fleet:12", "text": "Harbour (fleet:12)"}]
    form = {"user": user.pk, "role": role.pk, "expires_at_0": "", "expires_at_1": ""}
    refused = root.post("/admin/rbac/roleassignment/add/", {**form, "scope": "fleet:99"})
    assert "scope" in refused.context["adminform"].form.errors
    assert root.post("/admin/rbac/roleassignment/add/", {**form, "scope": "fleet:12"}).status_code == 302
    assert RoleAssignment.objects.get(user=user).scope == "fleet:12"


def test_a_manager_of_a_scope_sees_and_changes_its_members_only(manager, fleet, user, make_user, allow):
    member_of(fleet, user)
    outsider = make_user("outsider@example.com")
    assert "permission to view or edit anything" in manager.get("/admin/").content.decode()
    allow(manager.staff, "users:read", scope="fleet:12")
    assert USERS in manager.get("/admin/").content.decode()
    assert [row.pk for row in manager.get(USERS).context["cl"].result_list] == [user.pk]
    page = manager.get(f"{USERS}{user.pk}/change/")
    assert (page.status_code, page.context["has_change_permission"]) == (200, False)
    assert manager.get(f"{USERS}{outsider.pk}/change/").status_code == 302  # as for no such user
    allow(manager.staff, "users:update", "users:lock", scope="fleet:12")
    form = {"email": user.email, "first_name": "New", "is_active": "on"}
    assert manager.post(f"{USERS}{user.pk}/change/", form).status_code == 302
    assert User.objects.get(pk=user.pk).first_name == "New"
    act = {"action": "lock", "_selected_action": [user.pk, outsider.pk], "reason": "theft", "confirmed": "1"}
    manager.post(USERS, act)
    assert [bool(User.objects.get(pk=one.pk).locked_at) for one in (user, outsider)] == [True, False]
    actions = dict(manager.get(USERS).context["action_form"].fields["action"].choices)
    assert {"lock", "unlock", "require_new_password"} == actions.keys() - {""}
    assert [manager.get(f"{USERS}add/").status_code, manager.get(f"{USERS}{user.pk}/delete/").status_code] == [403] * 2


def test_staff_who_read_everybody_change_members_only(manager, fleet, user, make_user, allow):
    member_of(fleet, user)
    outsider = make_user("outsider@example.com")
    allow(manager.staff, "users:read")
    allow(manager.staff, "users:update", scope="fleet:12")
    form = {"first_name": "New", "is_active": "on"}
    assert manager.get(f"{USERS}{outsider.pk}/change/").context["has_change_permission"] is False
    assert manager.post(f"{USERS}{outsider.pk}/change/", {**form, "email": outsider.email}).status_code == 403
    assert manager.post(f"{USERS}{user.pk}/change/", {**form, "email": user.email}).status_code == 302


def test_a_manager_of_a_scope_assigns_roles_there_as_over_the_api(manager, fleet, user, make_user, allow):
    member_of(fleet, user)
    outsider = make_user("outsider@example.com")
    allow(manager.staff, "users:read")
    allow(manager.staff, "roles:assign", "notifications:read", scope="fleet:12")
    reader = roles.create(actor=None, edit=roles.RoleEdit(name="Reader", permissions=["notifications:read"]))
    locker = roles.create(actor=None, edit=roles.RoleEdit(name="Locker", permissions=["users:lock"]))
    page = manager.get(f"{USERS}{user.pk}/change/")
    form = page.context["role_form"]
    assert form.fields["scope"].choices == [("fleet:12", "Harbour (fleet:12)")]
    assert reader in form.fields["role"].queryset
    assert locker not in form.fields["role"].queryset  # its permission is not theirs
    assert not manager.get(f"{USERS}{outsider.pk}/change/").context["may_assign"]
    for whom, role, scope in (
        (user, reader, ""), (user, reader, "fleet:13"), (user, locker, "fleet:12"), (outsider, reader, "fleet:12"),
    ):  # fmt: skip
        manager.post(f"{USERS}{whom.pk}/roles/", {"role": role.pk, "scope": scope})
        act = {
            "action": "assign_role",
            "_selected_action": [whom.pk],
            "confirmed": "1",
            "role": role.pk,
            "scope": scope,
        }
        manager.post(USERS, act)
        manager.post("/admin/rbac/roleassignment/add/", {"user": whom.pk, "role": role.pk, "scope": scope})
    assert not RoleAssignment.objects.filter(role__in=[reader, locker]).exists()
    manager.post(f"{USERS}{user.pk}/roles/", {"role": reader.pk, "scope": "fleet:12"})
    held = RoleAssignment.objects.get(role=reader)
    assert (held.user, held.scope) == (user, "fleet:12")
    assert f"/roles/{held.pk}/end/" in manager.get(f"{USERS}{user.pk}/change/").content.decode()
    manager.post(f"{USERS}{user.pk}/roles/{held.pk}/end/")
    held.refresh_from_db()
    assert held.ended_at is not None
    form = {"user": user.pk, "role": reader.pk, "scope": "fleet:12", "expires_at_0": "", "expires_at_1": ""}
    assert manager.post("/admin/rbac/roleassignment/add/", form).status_code == 302
    assert RoleAssignment.objects.filter(user=user, role=reader, ended_at=None).exists()


def test_a_manager_of_a_scope_is_shown_no_link_that_is_refused(manager, fleet, user, allow):
    member_of(fleet, user)
    allow(manager.staff, "users:read", "users:lock", "users:update", "roles:assign", "roles:read", scope="fleet:12")
    page = manager.get(f"{USERS}{user.pk}/change/").content.decode()
    links = {one.replace("&amp;", "&") for one in re.findall(r'href="(/(?:admin|view-as)/[^"#]*)"', page)}
    assert links
    assert not [link for link in links if manager.get(link).status_code in {403, 404}]

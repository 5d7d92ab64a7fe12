"""Access in the admin: the same rules and errors as over the API."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from rbac.models import Role, RoleAssignment
from rbac.services import assignments, roles

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def root(client, make_user):
    """A browser of a superuser in the admin."""
    user = make_user("root@example.com", is_staff=True, is_superuser=True)
    client.force_login(user)
    return client


def permission_ids(*codenames):
    from rbac.models import resource_permissions

    return list(resource_permissions().filter(codename__in=codenames).values_list("pk", flat=True))


def test_the_admin_creates_a_role_with_its_permissions(root):
    answer = root.post(
        "/admin/rbac/role/add/", {"name": "Taster", "description": "", "codenames": permission_ids("users:read")}
    )
    assert answer.status_code == 302, answer.content
    assert list(Role.objects.get(name="Taster").permissions.values_list("codename", flat=True)) == ["users:read"]


def test_permissions_are_a_matrix_of_resources_and_actions(root):
    widget = root.get("/admin/rbac/role/add/").context["adminform"].form.fields["codenames"].widget
    rows = {row[0]: row[1:] for row in widget.get_context("codenames", [], {})["widget"]["rows"]}
    columns, others = rows["notifications"]
    assert [option and option["label"] for option in columns] == ["read", None, None, None]
    assert [option["label"] for option in others] == ["send"]


def test_the_admin_changes_a_role_and_a_revision_is_recorded(root):
    role = roles.create(actor=None, edit=roles.RoleEdit(name="Taster", permissions=["users:read"]))
    before = role.revisions.count()
    root.post(
        f"/admin/rbac/role/{role.pk}/change/",
        {"confirmed": "1", "name": "Taster", "codenames": permission_ids("users:read", "roles:read")},
    )
    assert role.permissions.count() == 2
    assert role.revisions.count() == before + 1


def test_the_admin_explains_why_an_assigned_role_cannot_be_deleted(root, user):
    role = roles.create(actor=None, edit=roles.RoleEdit(name="Taster"))
    assignments.grant(actor=None, user=user, role=role)
    page = root.post(f"/admin/rbac/role/{role.pk}/delete/", {"post": "yes"}, follow=True)
    assert Role.objects.live().filter(pk=role.pk).exists()
    assert [message.level_tag for message in page.context["messages"]] == ["error"]


def test_deleting_a_role_keeps_its_history(root):
    role = roles.create(actor=None, edit=roles.RoleEdit(name="Taster"))
    root.post(f"/admin/rbac/role/{role.pk}/delete/", {"post": "yes"})
    assert not Role.objects.live().filter(pk=role.pk).exists()
    assert role.revisions.exists()


def test_staff_cannot_add_permissions_that_they_lack_to_a_role(client, make_user):
    staff = make_user("staff@example.com", is_staff=True)
    editor = roles.create(actor=None, edit=roles.RoleEdit(name="Editor", permissions=["roles:read", "roles:update"]))
    assignments.grant(actor=None, user=staff, role=editor)
    client.force_login(staff)
    wanted = {
        "confirmed": "1",
        "name": "Editor",
        "codenames": permission_ids("roles:read", "roles:update", "users:delete"),
    }
    client.post(f"/admin/rbac/role/{editor.pk}/change/", wanted)
    assert not editor.permissions.filter(codename="users:delete").exists()


def test_an_assignment_can_be_ended_in_the_admin_but_not_deleted(root, user):
    role = roles.create(actor=None, edit=roles.RoleEdit(name="Taster"))
    given = {"user": user.pk, "role": role.pk, "scope": "", "expires_at_0": "", "expires_at_1": ""}
    assert root.post("/admin/rbac/roleassignment/add/", given).status_code == 302
    assignment = RoleAssignment.objects.get(user=user, role=role)
    root.post("/admin/rbac/roleassignment/", {"action": "end", "confirmed": "1", "_selected_action": [assignment.pk]})
    assignment.refresh_from_db()
    assert assignment.ended_at is not None
    assert root.post(f"/admin/rbac/roleassignment/{assignment.pk}/delete/", {"post": "yes"}).status_code == 403


def test_staff_without_roles_read_see_no_roles(client, make_user):
    client.force_login(make_user("staff@example.com", is_staff=True))
    assert client.get("/admin/rbac/role/").status_code == 403


@pytest.mark.parametrize("page", ["role", "roleassignment", "rolerevision"])
def test_admin_lists_take_a_constant_number_of_queries(root, make_user, page):
    def queries():
        """The fewest of three calls: what is cached is read again where this process just had no lease."""
        counts = []
        for _ in range(3):
            with CaptureQueriesContext(connection) as counted:
                assert root.get(f"/admin/rbac/{page}/").status_code == 200
            counts.append(len(counted))
        return min(counts)

    few = queries()
    for number in range(6):
        role = roles.create(actor=None, edit=roles.RoleEdit(name=f"Role {number}"))
        assignments.grant(actor=None, user=make_user(f"user{number}@example.com"), role=role)
    assert queries() == few


def test_a_declared_permission_cannot_be_deleted_in_the_admin(root):
    (declared,) = permission_ids("users:read")
    root.post(f"/admin/auth/permission/{declared}/delete/", {"post": "yes"})
    assert permission_ids("users:read") == [declared]


def test_the_admin_history_of_a_role_lists_added_and_removed_items(root):
    role = roles.create(actor=None, edit=roles.RoleEdit(name="Taster", permissions=["users:read", "users:lock"]))
    other = roles.create(actor=None, edit=roles.RoleEdit(name="Griller"))
    form = {
        "confirmed": "1",
        "name": "Taster",
        "codenames": permission_ids("users:read", "roles:read"),
        "includes": [other.pk],
    }
    assert root.post(f"/admin/rbac/role/{role.pk}/change/", form).status_code == 302
    page = root.get(f"/admin/rbac/role/{role.pk}/history/").content.decode()
    assert "Added permission “roles:read”." in page
    assert "Deleted permission “users:lock”." in page
    assert "Added role “Griller”." in page
    assert "No fields changed" not in page

"""Errors of services appear at the field in the admin, with the typed values; also for staff without superuser."""

import pytest

from rbac.models import Role, RoleAssignment, resource_permissions
from rbac.services import assignments, roles

pytestmark = pytest.mark.django_db
ROLE, PERMISSION, ASSIGNMENT = "/admin/rbac/role/", "/admin/auth/permission/", "/admin/rbac/roleassignment/"


@pytest.fixture
def staff_with(client, make_user, allow):
    """A browser of somebody on the staff who holds these codenames and is no superuser."""

    def sign_in(*codenames):
        staff = make_user("staff@example.com", is_staff=True)
        allow(staff, *codenames)
        client.force_login(staff)
        client.staff = staff
        return client

    return sign_in


@pytest.fixture
def root(client, make_user):
    client.root = make_user("root@example.com", is_staff=True, is_superuser=True)
    client.force_login(client.root)
    return client


def make(name="Taster", *codenames, **edit):
    return roles.create(actor=None, edit=roles.RoleEdit(name=name, permissions=codenames, **edit))


def ids(*codenames):
    return list(resource_permissions().filter(codename__in=codenames).values_list("pk", flat=True))


def refused(answer, field):
    """The words beside a field of a form that was not saved; the page is shown again."""
    assert answer.status_code == 200, answer.content
    errors = answer.context["adminform"].form.errors
    assert list(errors) == [field]
    assert str(errors[field][0]) in answer.content.decode().replace("&#x27;", "'")
    return str(errors[field][0])


def typed(answer, field):
    return answer.context["adminform"].form[field].value()


def test_a_missing_permission_is_an_error_at_the_permissions_field(staff_with):
    browser = staff_with("roles:read", "roles:create", "roles:update")
    codenames = ids("roles:read", "users:delete")
    answer = browser.post(f"{ROLE}add/", {"name": "Boss", "description": "All of it", "codenames": codenames})
    assert "users:delete" in refused(answer, "codenames")
    assert (typed(answer, "description"), typed(answer, "codenames")) == ("All of it", [str(pk) for pk in codenames])
    assert not Role.objects.filter(name="Boss").exists()


def test_a_cycle_of_inclusions_is_an_error_at_the_roles_field(root):
    inner = make("Inner")
    outer = make("Outer", includes=[inner.pk])
    form = {"name": "Inner", "description": "new words", "includes": [outer.pk]}
    answer = root.post(f"{ROLE}{inner.pk}/change/", form)
    assert "cannot include each other" in refused(answer, "includes")
    assert typed(answer, "description") == "new words"
    assert not inner.inclusions.exists()


def test_renaming_a_declared_role_is_an_error_at_the_name_field(root):
    role = Role.objects.get(name="Support")
    refused(root.post(f"{ROLE}{role.pk}/change/", {"name": "Helpers"}), "name")
    assert Role.objects.filter(pk=role.pk, name="Support").exists()


def test_a_taken_role_name_is_an_error_at_the_name_field(root):
    make("Taster")
    refused(root.post(f"{ROLE}add/", {"name": "Taster"}), "name")


def test_a_wrong_permission_name_is_an_error_at_its_field(root):
    refused(root.post(f"{PERMISSION}add/", {"resource": "Meals", "action": "taste"}), "resource")
    refused(root.post(f"{PERMISSION}add/", {"resource": "meals", "action": "täste"}), "action")
    refused(root.post(f"{PERMISSION}add/", {"resource": "users", "action": "read"}), "action")


@pytest.mark.parametrize(
    ("field", "given"),
    [
        ("scope", {"scope": "fleet 12"}),
        ("expires_at", {"expires_at_0": "2020-01-01", "expires_at_1": "00:00"}),
    ],
)
def test_a_wrong_scope_or_end_is_an_error_at_its_field(root, user, field, given):
    form = {"user": user.pk, "role": make().pk, "scope": "", "expires_at_0": "", "expires_at_1": "", **given}
    answer = root.post(f"{ASSIGNMENT}add/", form)
    refused(answer, field)
    assert typed(answer, "user") == str(user.pk)
    assert not RoleAssignment.objects.of(user).exists()


def test_staff_cannot_assign_a_role_with_permissions_that_they_lack(staff_with, user):
    browser = staff_with("roles:read", "roles:assign", "users:read")
    strong, weak = make("Strong", "users:delete"), make("Weak", "users:read")
    refused(browser.post(f"{ASSIGNMENT}add/", {"user": user.pk, "role": strong.pk}), "role")
    assert browser.post(f"{ASSIGNMENT}add/", {"user": user.pk, "role": weak.pk}).status_code == 302
    assignment = RoleAssignment.objects.get(user=user)
    assert (assignment.role, assignment.granted_by) == (weak, browser.staff)


def test_a_deleted_user_is_an_error_at_the_user_field(root, make_user):
    gone = make_user("gone@example.com")
    root.post(f"/admin/accounts/user/{gone.pk}/delete/", {"post": "yes"})
    refused(root.post(f"{ASSIGNMENT}add/", {"user": gone.pk, "role": make().pk}), "user")


def test_ending_assignments_requires_roles_assign(staff_with, user, allow):
    assignment = assignments.grant(actor=None, user=user, role=make())
    end = {"action": "end", "confirmed": "1", "_selected_action": [assignment.pk]}
    browser = staff_with("roles:read")
    assert browser.get(ASSIGNMENT).status_code == 200
    assert browser.get(f"{ASSIGNMENT}{assignment.pk}/change/").status_code == 200
    assert browser.get(f"{ASSIGNMENT}add/").status_code == 403
    browser.post(ASSIGNMENT, end)
    assert RoleAssignment.objects.unended().filter(pk=assignment.pk).exists()
    allow(browser.staff, "roles:assign")
    browser.post(ASSIGNMENT, end)
    assignment.refresh_from_db()
    assert (assignment.ended_at is not None, assignment.ended_by) == (True, browser.staff)


def test_roles_read_opens_revisions_read_only(staff_with):
    revision = make("Taster", "users:read").revisions.get()
    browser = staff_with("roles:read")
    assert "Taster" in browser.get("/admin/rbac/rolerevision/").content.decode()
    page = f"/admin/rbac/rolerevision/{revision.pk}/change/"
    assert "users:read" in browser.get(page).content.decode()
    assert browser.post(page, {"name": "x"}).status_code == 403
    assert "/admin/rbac/roleassignment/" in browser.get("/admin/").content.decode()


def test_assignments_and_revisions_require_roles_read(staff_with):
    browser = staff_with("users:read")
    for page in (ASSIGNMENT, "/admin/rbac/rolerevision/", f"{ASSIGNMENT}add/"):
        assert browser.get(page).status_code == 403


def user_form(user, **changed):
    """The form of a user as a browser sends it; an empty value is a box without its cross."""
    form = {"email": user.email, "is_active": "on", "is_staff": "on", "is_superuser": "on", **changed}
    return {name: value for name, value in form.items() if value}


def test_superusers_cannot_demote_themselves_and_keep_their_input(root):
    form = user_form(root.root, first_name="Rita", is_superuser="")
    answer = root.post(f"/admin/accounts/user/{root.root.pk}/change/", form)
    assert "your own account" in refused(answer, "__all__")
    assert typed(answer, "first_name") == "Rita"
    root.root.refresh_from_db()
    assert (root.root.is_superuser, root.root.first_name) == (True, "")


def test_roles_chosen_together_are_deleted_all_or_none(root, make_user):
    free, used = make("A free role"), make("B used role")
    assignments.grant(actor=None, user=make_user(), role=used)
    chosen = {"action": "delete_selected", "_selected_action": [free.pk, used.pk], "post": "yes"}
    page = root.post(ROLE, chosen, follow=True)
    assert "Users hold this role" in page.content.decode()
    assert {free.pk, used.pk} <= set(Role.objects.live().values_list("pk", flat=True))


def test_assignments_chosen_together_are_ended_all_or_none(staff_with, make_user):
    chef, boss = make("Chef"), make("Boss", "users:delete")
    rows = [assignments.grant(actor=None, user=make_user(f"{role.pk}@example.com"), role=role) for role in (boss, chef)]
    staff = staff_with("roles:read", "roles:assign")
    chosen = {"action": "end", "confirmed": "1", "_selected_action": [row.pk for row in rows]}
    staff.post(ASSIGNMENT, chosen)
    assert RoleAssignment.objects.filter(pk__in=[row.pk for row in rows]).unended().count() == 2

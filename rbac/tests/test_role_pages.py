"""Roles in the admin: compared, previewed, with their history, and who may do what, and why."""

import re
from datetime import timedelta

import pytest
from django.db.models import QuerySet
from django.utils import timezone

from rbac.models import Role, RoleAssignment, RoleRevision, UserStatus, resource_permissions
from rbac.services import assignments, roles, scopes

pytestmark = [pytest.mark.django_db, pytest.mark.once]
ROLE = "/admin/rbac/role/"


@pytest.fixture(autouse=True)
def _without_2fa(settings):
    settings.ADMIN_REQUIRE_2FA = False


@pytest.fixture
def staff(client, make_user):
    """Sign somebody with a default role in to the admin; without a name a superuser."""

    def sign_in(name=""):
        person = make_user("staff@example.com", is_staff=True, is_superuser=not name)
        if name:
            assignments.grant(actor=None, user=person, role=Role.objects.get(name=name))
        client.force_login(person)
        client.person = person
        return client

    return sign_in


def make(name, *permissions, **edit):
    return roles.create(actor=None, edit=roles.RoleEdit(name=name, permissions=permissions, **edit))


def give(user, role, **how):
    return assignments.grant(actor=None, user=user, role=role, **how)


def ids(*codenames):
    return list(resource_permissions().filter(codename__in=codenames).values_list("pk", flat=True))


def text_of(answer):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode())).replace("&#x27;", "'")


def change(browser, role, *codenames, **form):
    return browser.post(f"{ROLE}{role.pk}/change/", {"name": role.name, "codenames": ids(*codenames), **form})


def test_the_matrix_says_from_which_role_a_permission_is_inherited(staff):
    outer = make("Outer", "users:read", includes=[make("Inner", "roles:read").pk])
    page = staff().get(f"{ROLE}{outer.pk}/change/").content.decode()
    assert page.count("from Inner") == 1


def test_who_may_only_look_sees_the_permissions_without_a_form(staff):
    outer = make("Outer", "users:read", includes=[make("Inner", "roles:read").pk])
    page = staff("Auditor").get(f"{ROLE}{outer.pk}/change/")
    assert page.status_code == 200
    assert "read See users" in text_of(page)
    assert "read See roles and who holds them from Inner" in text_of(page)
    assert 'name="codenames"' not in page.content.decode()


def test_a_change_is_saved_after_a_page_that_says_who_gains_and_loses_what(staff, make_user):
    role, other = make("Taster", "users:read", "users:lock"), make("Reader", "users:read")
    ann, bob = make_user("ann@example.com"), make_user("bob@example.com")
    for person in (ann, bob):
        give(person, role)
    give(bob, other)
    browser, revisions = staff(), role.revisions.count()
    page = change(browser, role, "users:lock", "roles:read", includes=[make("Inner", "events:read").pk])
    gained, lost = (
        {row["permission"]: (row["count"], row["names"]) for row in rows} for _, rows in page.context["effects"]
    )
    everybody = [ann.email, bob.email]
    assert gained == {"roles:read": (2, everybody), "events:read": (2, everybody)}
    assert lost == {"users:read": (1, [ann.email])}  # Bob keeps it by another role
    assert role.revisions.count() == revisions
    hidden = re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', page.content.decode())
    form = {}
    for name, value in hidden:
        form.setdefault(name, []).append(value)
    assert browser.post(f"{ROLE}{role.pk}/change/", form).status_code == 302
    assert set(role.permissions.values_list("codename", flat=True)) == {"users:lock", "roles:read"}
    assert role.revisions.count() == revisions + 1


def test_a_preview_shows_the_services_error_at_its_field_instead(staff):
    inner = make("Inner")
    outer = make("Outer", includes=[inner.pk])
    page = change(staff(), inner, includes=[outer.pk])
    assert list(page.context["adminform"].form.errors) == ["includes"]


def test_a_description_alone_is_saved_at_once(staff):
    role = make("Taster", "users:read")
    assert change(staff(), role, "users:read", description="Tastes").status_code == 302
    role.refresh_from_db()
    assert role.description == "Tastes"


def test_two_roles_are_compared_with_what_they_inherit(staff):
    left = make("Left", "users:read", includes=[make("Inner", "roles:read").pk])
    right = make("Right", "users:read", "events:read")
    page = staff("Auditor").get(f"{ROLE}compare/", {"left": left.pk, "right": right.pk})
    shown = [
        (str(title), [f"{resource}:{name}" for resource, actions in rows for name, _, _ in actions])
        for title, rows in page.context["columns"]
    ]
    assert shown == [("Both", ["users:read"]), ("Left", ["roles:read"]), ("Right", ["events:read"])]
    assert "from Inner" in text_of(page)


def test_the_history_of_a_role_tells_who_changed_what(staff):
    browser = staff()
    role, inner = make("Taster", "users:read"), make("Inner")
    edit = roles.RoleEdit(name="Chef", permissions=["roles:read"], includes=[inner.pk], requires_2fa=True)
    roles.update(actor=browser.person, role=role, edit=edit)
    page = browser.get(f"{ROLE}{role.pk}/changes/")
    newest, first = (one for one, _ in page.context["rows"])
    assert (newest.added, newest.removed, newest.included) == (("roles:read",), ("users:read",), ("Inner",))
    assert newest.revision.created_by == browser.person
    assert first.added == ("users:read",)
    assert "Name: Taster → Chef" in text_of(page)


def test_who_has_a_permission_is_listed_with_the_way_to_it(staff, user):
    outer = make("Outer", includes=[make("Inner", "users:lock").pk])
    give(user, outer, scope="fleet:12")
    page = staff("Auditor").get(f"{ROLE}who/", {"permission": "users:lock"})
    assert "ann@example.com fleet:12 Outer includes Inner" in text_of(page)
    assert f"{ROLE}why/?user={user.pk}&amp;permission=users%3Alock&amp;scope=fleet%3A12" in page.content.decode()


def why(browser, user, permission, **asked):
    return browser.get(f"{ROLE}why/", {"user": user.pk, "permission": permission, **asked})


def test_why_a_person_may_do_something_is_told_in_words(staff, user):
    outer = make("Outer", includes=[make("Inner", "users:lock").pk])
    scopes.create(actor=None, kind="fleet", key="12", name="Harbour")
    held = give(user, outer, scope="fleet:12")
    browser = staff("Auditor")
    page = why(browser, user, "users:lock", scope="fleet:12")
    assert "Yes: this person has the permission." in text_of(page)
    assert "Outer · includes Inner · held in fleet:12" in text_of(page)
    for link in (f"{ROLE}{outer.pk}/change/", f"/admin/rbac/roleassignment/{held.pk}/change/"):
        assert f'href="{link}"' in page.content.decode()
        assert browser.get(link).status_code == 200
    elsewhere = text_of(why(browser, user, "users:lock"))
    assert "No: this person does not have the permission." in elsewhere
    assert "This person has it elsewhere: fleet:12." in elsewhere


def test_why_is_answered_for_a_past_time_and_of_what_is_recorded(staff, user):
    role = make("Taster", "users:lock")
    held = give(user, role)
    now = timezone.now()
    past = now - timedelta(days=2)
    QuerySet(RoleRevision).update(created_at=now - timedelta(days=9))
    QuerySet(UserStatus).update(since=now - timedelta(days=9))
    RoleAssignment.objects.filter(pk=held.pk).update(
        granted_at=now - timedelta(days=3), ended_at=now - timedelta(days=1)
    )
    browser = staff("Auditor")
    assert "Yes: this person had the permission then." in text_of(
        why(browser, user, "users:lock", at=f"{past:%Y-%m-%dT%H:%M}")
    )
    today = text_of(why(browser, user, "users:lock"))
    assert "No: this person does not have the permission." in today
    assert "This person had it until" in today
    unknown = text_of(why(browser, user, "users:lock", at="2020-01-01T00:00"))
    assert "Nothing is known of the time before the history of roles begins" in unknown
    assert "Give a time in the past." in text_of(why(browser, user, "users:lock", at="2999-01-01T00:00"))


@pytest.mark.parametrize("page", ["who", "why", "compare", "changes"])
def test_roles_without_the_permission_open_no_page_about_roles(staff, page):
    address = f"{ROLE}{Role.objects.get(name='Driver').pk}/changes/" if page == "changes" else f"{ROLE}{page}/"
    assert staff("Dispatcher").get(address).status_code == 403


def test_the_page_of_a_user_leads_to_the_explanation(staff, user):
    browser = staff("Support")
    link = f"{ROLE}why/?user={user.pk}"
    assert f'href="{link}"' in browser.get(f"/admin/accounts/user/{user.pk}/change/").content.decode()
    assert browser.get(link).status_code == 200

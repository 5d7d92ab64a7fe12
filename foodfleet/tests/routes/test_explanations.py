"""Explanations of past access over the API: what was allowed at a time, and by whom."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.services.staff import changes as staff_changes
from accounts.services.staff import users
from accounts.services.staff.changes import UserChanges
from foodfleet.core.http.clients import Client
from rbac.models import Role
from rbac.services import assignments, custom_permissions, roles
from rbac.services.roles import RoleEdit

pytestmark = pytest.mark.django_db
CODENAME = "users:read"


@pytest.fixture
def boss(make_user):
    return make_user("boss@example.com", is_superuser=True)


@pytest.fixture
def explained(api, user, boss):
    """What the API explains of Ann at that time."""

    def ask(at=None, **query):
        api.force_authenticate(boss)
        times = {} if at is None else {"at": at.isoformat()}
        answer = api.get("/api/v1/access/explain/", {"user": user.pk, "permission": CODENAME, **times, **query})
        assert answer.status_code == 200, answer.content
        return answer.json()

    return ask


def make(name="Reader", *codenames, by=None, **edit):
    return roles.create(actor=by, edit=RoleEdit(name=name, permissions=codenames, **edit))


def edit(role, by=None, **changes):
    roles.update(actor=by, role=role, edit=RoleEdit(**changes))


def test_an_explanation_names_the_included_roles_of_that_time(explained, user, boss):
    inner = make("Inner", CODENAME, by=boss)
    middle = make("Middle", includes=[inner.pk])
    outer = make("Outer", includes=[middle.pk])
    assignments.grant(actor=boss, user=user, role=outer, scope="fleet:12")
    then = timezone.now()
    edit(inner, name="Renamed")
    edit(middle, includes=[])
    requested = explained(then, scope="fleet:12")
    assert requested["allowed"] is True
    (reason,) = requested["because"]
    assert reason["path"] == ["Outer", "Middle", "Inner"]
    assert (reason["scope"], reason["granted_by"], reason["permission_by"]) == ("fleet:12", str(boss), str(boss))
    assert explained(then)["allowed"] is False
    assert explained(timezone.now(), scope="fleet:12")["allowed"] is False


def test_an_explanation_names_who_put_the_permission_into_the_role(explained, user, boss, make_user):
    other = make_user("other@example.com", is_superuser=True)
    role = make()
    assignments.grant(actor=boss, user=user, role=role)
    edit(role, by=other, permissions=[CODENAME])
    gained = timezone.now()
    edit(role, by=boss, permissions=[CODENAME, "users:lock"])
    (reason,) = explained(timezone.now())["because"]
    assert (reason["granted_by"], reason["permission_by"]) == (str(boss), str(other))
    assert reason["permission_since"] < gained.isoformat()


def test_a_permission_taken_away_and_given_back_is_missing_in_between(explained, user):
    role = make("Reader", CODENAME)
    assignments.grant(actor=None, user=user, role=role)
    assignment = timezone.now()
    edit(role, permissions=[])
    taken = timezone.now()
    edit(role, permissions=[CODENAME])
    assert [explained(at)["allowed"] for at in (assignment, taken, timezone.now())] == [True, False, True]


def test_an_expired_assignment_answers_for_its_time_alone(explained, user):
    end = timezone.now() + timedelta(hours=1)
    assignments.grant(actor=None, user=user, role=make("Reader", CODENAME), expires_at=end)
    assert explained(end - timedelta(seconds=1))["allowed"] is True
    after = explained(end)
    assert after["allowed"] is False
    assert after["missing"]["expired"] == end.isoformat().replace("+00:00", "Z")


def test_an_assignment_that_was_replaced_answers_with_who_gave_it_then(explained, user, boss):
    role = make("Reader", CODENAME)
    assignments.grant(actor=boss, user=user, role=role)
    first = timezone.now()
    assignments.grant(actor=None, user=user, role=role)
    assert [reason["granted_by"] for reason in explained(first)["because"]] == [str(boss)]
    assert [reason["granted_by"] for reason in explained(timezone.now())["because"]] == [None]


def test_a_deleted_role_and_a_deleted_permission_stay_in_the_history(explained, user):
    meals = custom_permissions.create(actor=None, resource="meals", action="taste")
    role = make("Taster", CODENAME, "meals:taste")
    assignments.grant(actor=None, user=user, role=role)
    then = timezone.now()
    custom_permissions.delete(actor=None, permission=meals)
    assignments.revoke(actor=None, user=user, role=role)
    roles.delete(actor=None, role=role)
    now = timezone.now()
    for codename in (CODENAME, "meals:taste"):
        assert [explained(at, permission=codename)["allowed"] for at in (then, now)] == [True, False]
    assert explained(then)["because"][0]["role"] == "Taster"


def change(user, **what):
    staff_changes.update(pk=user.pk, changes=UserChanges(**what), actor=None, client=Client())


def test_while_somebody_is_deactivated_they_may_nothing(explained, user):
    assignments.grant(actor=None, user=user, role=make("Reader", CODENAME))
    active = timezone.now()
    change(user, is_active=False)
    inactive = timezone.now()
    change(user, is_active=True)
    assert [explained(at)["allowed"] for at in (active, inactive, timezone.now())] == [True, False, True]
    assert explained(inactive)["missing"]["is_active"] is False


def test_while_somebody_is_a_superuser_they_may_everything(explained, user):
    before = timezone.now()
    change(user, is_superuser=True)
    while_one = timezone.now()
    change(user, is_superuser=False)
    answers = [explained(at) for at in (before, while_one, timezone.now())]
    assert [answer["allowed"] for answer in answers] == [False, True, False]
    assert [answer["superuser"] for answer in answers] == [False, True, False]


def test_what_a_deleted_user_could_do_is_still_known(explained, user, boss):
    assignments.grant(actor=boss, user=user, role=make("Reader", CODENAME))
    then = timezone.now()
    users.delete(pk=user.pk, actor=boss, client=Client())
    requested = explained(then)
    assert (requested["allowed"], requested["because"][0]["granted_by"]) == (True, str(boss))
    assert explained()["allowed"] is False


def test_an_explanation_names_a_deleted_granter(explained, user, make_user):
    gone = make_user("gone@example.com", is_superuser=True)
    assignments.grant(actor=gone, user=user, role=make("Reader", CODENAME))
    users.delete(pk=gone.pk, actor=None, client=Client())
    assert explained(timezone.now())["because"][0]["granted_by"] == f"deleted-{gone.pk}@deleted.invalid"


def test_before_there_was_a_user_nobody_could_do_anything(explained, user):
    assignments.grant(actor=None, user=user, role=make("Reader", CODENAME))
    requested = explained(timezone.now() - timedelta(days=300))
    assert (requested["allowed"], requested["missing"]["is_active"], requested["missing"]["roles"]) == (
        False,
        False,
        [],
    )


def test_a_default_role_has_a_history_from_its_creation():
    driver = Role.objects.get(name="Driver")  # declared with no permission at all
    assert [revision.permissions for revision in driver.revisions.all()] == [[]]

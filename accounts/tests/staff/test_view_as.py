"""Staff look at the product as another user: for a reason, for minutes, without changing anything, and recorded."""

import re
from datetime import timedelta

import pytest
from django.test import Client as Browser
from django.utils import timezone

from accounts.models import SecurityEvent, Session, User
from accounts.pages import viewing
from conftest import PASSWORD
from foodfleet.tests.routes.endpoints import ENDPOINTS
from rbac.models import Role, RoleAssignment
from rbac.services import assignments

pytestmark = [pytest.mark.django_db, pytest.mark.once]
# Addresses with a key in them, for machines, and of the API and the admin all but some: they are refused in one place.
NOT_TRIED = re.compile(r"/.*<|/(health|metrics|dev|view-as)/?|/admin/.+/|/api/v1/(?!users/me/|auth/2fa/)")
VIEWED = 'class="viewing"'


def give(user, name):
    assignments.grant(actor=None, user=user, role=Role.objects.get(name=name))


@pytest.fixture
def boss(make_user, settings):
    """A browser in which an administrator has just signed in."""
    settings.ADMIN_REQUIRE_2FA = False
    person = make_user("boss@example.com", is_staff=True, first_name="Bo")
    give(person, "Administrator")
    return signed_in(person)


def signed_in(person):
    browser = Browser()
    assert browser.post("/login/", {"email": person.email, "password": PASSWORD}).status_code == 302
    browser.person = person
    return browser


def start(browser, user, reason="Ticket 12"):
    return browser.post(f"/view-as/{user.pk}/", {"reason": reason})


def is_viewing(browser):
    return VIEWED in browser.get("/account/").content.decode()


def kinds(user):
    return list(
        SecurityEvent.objects.filter(user=user, kind__startswith="viewing")
        .order_by("id")
        .values_list("kind", "actor__email")
    )


def test_staff_see_the_pages_of_a_user_until_they_press_one_button(boss, user):
    user.first_name = "Ann"
    user.save()
    page = boss.get(f"/admin/accounts/user/{user.pk}/change/").content.decode()
    assert f'href="/view-as/{user.pk}/"' in page
    assert start(boss, user).url == "/account/"
    assert all(one.details["until"].endswith("Z") for one in SecurityEvent.objects.filter(kind="viewing_started"))
    for path in ("/account/", "/account/security/", "/account/sessions/", "/account/preferences/"):
        seen = boss.get(path).content.decode()
        assert VIEWED in seen
        assert user.email in seen
        assert 'action="/view-as/end/"' in seen
        assert "/logout/" not in seen
    assert "Hello, Ann" in boss.get("/account/").content.decode()
    assert boss.post("/view-as/end/").url == f"/admin/accounts/user/{user.pk}/change/"
    assert "Hello, Bo" in boss.get("/account/").content.decode()


def test_start_pages_and_end_are_recorded_with_the_member_of_staff(boss, user):
    start(boss, user)
    boss.get("/account/security/")
    boss.post("/view-as/end/")
    boss.post("/view-as/end/")  # sent twice
    name = boss.person.email
    assert kinds(user) == [("viewing_started", name), ("viewing_page", name), ("viewing_ended", name)]
    assert kinds(boss.person) == [("viewing_started", name), ("viewing_ended", name)]
    started = SecurityEvent.objects.get(user=user, kind="viewing_started")
    assert started.details["reason"] == "Ticket 12"
    assert SecurityEvent.objects.get(user=boss.person, kind="viewing_started").details["user_id"] == user.pk
    assert SecurityEvent.objects.get(kind="viewing_page").details == {"path": "/account/security/"}


def test_viewing_opens_only_pages_without_secrets_and_changes_nothing(boss, user):
    start(boss, user)
    events = SecurityEvent.objects.exclude(kind="viewing_page").count()
    opened = set()
    for one in ENDPOINTS:
        path = f"/{one.address}"
        if NOT_TRIED.match(path):
            continue
        answer = boss.generic("GET" if one.method == "any" else one.method, path)
        refused = (401, "You are looking at") if one.is_api else (403, "Not while you look")
        if answer.status_code == refused[0]:
            assert refused[1] in answer.content.decode(), path
        else:
            opened.add(str(one))
    assert opened == {
        "GET account/", "GET account/security/", "GET account/sessions/", "GET account/preferences/", "GET ",
        "GET site-colors.css",
    }  # fmt: skip
    assert SecurityEvent.objects.exclude(kind="viewing_page").count() == events


def test_a_form_sent_meanwhile_is_refused_and_says_how_to_go_on(boss, user):
    start(boss, user)
    for path in (
        "/account/",
        "/account/email/",
        "/account/data/",
        "/logout/",
        f"/admin/accounts/user/{user.pk}/change/",
    ):
        answer = boss.post(path, {"first_name": "Eve", "email": "eve@example.com"})
        assert answer.status_code == 403
        assert 'action="/view-as/end/"' in answer.content.decode()
    api = boss.patch("/api/v1/users/me/", {"first_name": "Eve"}, content_type="application/json")
    assert (api.status_code, api.json()["code"]) == (401, "not_authenticated")
    user.refresh_from_db()
    assert user.first_name == ""
    assert is_viewing(boss)


def test_without_a_reason_or_a_recent_sign_in_nothing_starts(boss, user):
    assert start(boss, user, " ").status_code == 422
    Session.objects.update(reauthenticated_at=timezone.now() - timedelta(minutes=11))
    assert boss.get(f"/view-as/{user.pk}/").url == f"/account/reauthenticate/?next=%2Fview-as%2F{user.pk}%2F"
    assert "/account/reauthenticate/" in start(boss, user).url
    assert not is_viewing(boss)
    assert not kinds(user)


def more_power(make_user):
    return make_user("root@example.com", is_superuser=True)


def equal_power(make_user):
    person = make_user("cara@example.com")
    give(person, "Administrator")
    return person


@pytest.mark.parametrize(
    "whom",
    [
        more_power, equal_power,
        lambda make_user: make_user("program@example.com", is_service_account=True),
        lambda make_user: make_user("off@example.com", is_active=False),
        lambda make_user: make_user("locked@example.com", locked_at=timezone.now()),
        lambda make_user: User.objects.get(email="boss@example.com"),
    ],
    ids=["more power", "equal power", "service account", "inactive", "locked", "oneself"],
)  # fmt: skip
def test_nobody_looks_at_an_account_that_the_rules_exclude(boss, make_user, whom):
    person = whom(make_user)
    page = boss.get(f"/view-as/{person.pk}/").content.decode()
    assert 'name="reason"' not in page
    assert start(boss, person).status_code in {403, 409}
    assert not is_viewing(boss)
    assert f'href="/view-as/{person.pk}/"' not in boss.get(f"/admin/accounts/user/{person.pk}/change/").content.decode()


def test_a_deleted_or_unknown_user_is_not_found(boss, make_user):
    gone = make_user("gone@example.com", deleted_at=timezone.now())
    assert start(boss, gone).status_code == boss.get("/view-as/4711/").status_code == 404


@pytest.mark.parametrize("role", ["Support", "Auditor", "Fleet manager"])
def test_no_other_default_role_may_look_as_another_user(make_user, user, settings, role):
    settings.ADMIN_REQUIRE_2FA = False
    staff = make_user("staff@example.com", is_staff=True)
    give(staff, role)
    browser = signed_in(staff)
    assert "/view-as/" not in browser.get(f"/admin/accounts/user/{user.pk}/change/").content.decode()
    assert browser.get(f"/view-as/{user.pk}/").status_code == start(browser, user).status_code == 403


def ends_by(**fields):
    return lambda boss, user: User.objects.filter(pk=user.pk).update(**fields)


def loses_the_role(boss, user):
    assignments.revoke(actor=None, user=boss.person, role=Role.objects.get(name="Administrator"))


def gains_power(boss, user):
    give(user, "Administrator")


@pytest.mark.parametrize(
    "change",
    [ends_by(locked_at=timezone.now()), ends_by(is_active=False), loses_the_role, gains_power],
    ids=["user locked", "user deactivated", "permission lost", "user has equal power"],
)
def test_viewing_ends_with_the_next_page_once_a_rule_no_longer_holds(boss, user, change):
    start(boss, user)
    assert is_viewing(boss)
    change(boss, user)
    assert boss.get("/account/security/").url == "/account/"
    assert not is_viewing(boss)
    assert kinds(user)[-1] == ("viewing_ended", boss.person.email)


def test_viewing_ends_after_fifteen_minutes(boss, user, monkeypatch):
    start(boss, user)
    session = boss.session
    until = timezone.datetime.fromisoformat(session[viewing.KEY]["until"])
    assert timedelta(minutes=14) < until - timezone.now() <= timedelta(minutes=15)
    session[viewing.KEY] = {**session[viewing.KEY], "until": timezone.now().isoformat()}
    session.save()
    assert boss.post("/account/", {"first_name": "Eve"}).url == "/account/"
    assert not is_viewing(boss)
    boss.person.refresh_from_db()
    assert boss.person.first_name == "Bo"


@pytest.mark.parametrize("ended", ["session", "lock"])
def test_viewing_ends_with_the_session_and_the_account_of_the_staff(boss, user, ended):
    start(boss, user)
    if ended == "session":
        Session.objects.filter(user=boss.person).update(ended_at=timezone.now())
    else:
        User.objects.filter(pk=boss.person.pk).update(locked_at=timezone.now())
    assert boss.get("/account/").url.startswith("/login/")
    RoleAssignment.objects.of(user).exists()
    assert viewing.KEY not in boss.session

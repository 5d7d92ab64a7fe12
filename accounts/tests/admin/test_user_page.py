"""The page of a user in the admin: why they cannot sign in, what can be done, and their roles, right there."""

from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import MFAReset, SecurityEvent, Session, TOTPDevice
from accounts.services.staff import users
from accounts.tests.admin.test_admin import act, admin, messages_of  # noqa: F401  a fixture
from conftest import PASSWORD
from foodfleet.core.http.clients import Client
from foodfleet.core.models import RateLimit
from notifications.models import Message
from rbac.models import Role, RoleAssignment
from rbac.services import assignments, scopes

pytestmark = pytest.mark.django_db(transaction=True)


def page_of(client, user):
    return client.get(f"/admin/accounts/user/{user.pk}/change/")


def press(client, action, user, **given):
    """Press a button on the page of a user."""
    chosen = {"action": action, "_selected_action": [user.pk], "from_page": "1", **given}
    return client.post("/admin/accounts/user/", chosen)


def lock_by_passwords(user):
    until = timezone.now() + timedelta(minutes=15)
    RateLimit.objects.create(key="x", count=5, blocked_until=until, subject=user.pk, expires_at=until)


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"is_active": False}, "Cannot sign in: the account is deactivated."),
        ({"is_active": False, "is_service_account": True}, "Cannot sign in: the account is deactivated."),
        ({"is_service_account": True}, "A program: "),
        ({"locked_at": timezone.now()}, "Cannot sign in: locked by staff since "),
        ({"email_verified_at": None, "invited_at": timezone.now()}, "Invited on "),
        ({"email_verified_at": None}, "Has not confirmed the e-mail address yet."),
        ({"must_change_password": True}, "Can sign in, and has to choose a new password then."),
        ({}, "Can sign in, and has never done so."),
        ({"last_login": timezone.now()}, "Can sign in. The last time: "),
    ],
)
def test_one_sentence_tells_whether_the_person_can_sign_in(admin, make_user, fields, sentence):  # noqa: F811
    user = make_user("cara@example.com", **fields)
    assert page_of(admin, user).context["state"].sentence.startswith(sentence)


def test_a_lock_by_wrong_passwords_is_told_with_its_end(admin, user):  # noqa: F811
    lock_by_passwords(user)
    sentence = page_of(admin, user).context["state"].sentence
    assert sentence.startswith("Cannot sign in: locked until ")
    assert sentence.endswith(" UTC after 5 wrong passwords.")


@pytest.fixture
def locked(make_user):
    """An account that Ana locked because of a lost phone, after somebody else did some time ago."""
    ana, ben = (make_user(f"{name}@example.com", is_superuser=True) for name in ("ana", "ben"))
    user = make_user("cara@example.com")
    users.lock(pk=user.pk, actor=ben, client=Client(), reason="unpaid")
    users.unlock(pk=user.pk, actor=ben, client=Client())
    users.lock(pk=user.pk, actor=ana, client=Client(), reason="lost phone")
    return user


def test_the_sentence_names_who_locked_the_account_and_why(admin, locked):  # noqa: F811
    sentence = page_of(admin, locked).context["state"].sentence
    assert sentence.startswith("Cannot sign in: locked by ana@example.com on ")
    assert sentence.endswith(" (\u2068lost phone\u2069)")


def test_a_lock_by_nobody_is_told_with_its_reason(admin, user):  # noqa: F811
    users.lock(pk=user.pk, actor=None, client=Client(), reason="<script>")
    page = page_of(admin, user)
    assert "locked by staff since" in page.context["state"].sentence
    assert "(\u2068&lt;script&gt;\u2069)" in page.content.decode()


@pytest.mark.parametrize(
    ("permission", "is_told"), [("events:read", True), ("users:lock", True), ("users:update", False)]
)
def test_who_locked_is_told_to_those_who_see_events_or_unlock(
    client, make_user, allow, settings, locked, permission, is_told
):
    settings.ADMIN_REQUIRE_2FA = False
    reader = make_user("reader@example.com", is_staff=True)
    allow(reader, "users:read", permission)
    client.force_login(reader)
    page = page_of(client, locked)
    assert "Cannot sign in: locked by " in page.context["state"].sentence
    assert ("ana@example.com" in page.content.decode()) is is_told
    assert ("lost phone" in page.content.decode()) is is_told


def test_the_locked_person_is_not_told_who_did_it(client, locked):
    answers = [
        client.post("/api/v1/auth/login/", {"email": locked.email, "password": PASSWORD}, "application/json"),
        client.post("/login/", {"email": locked.email, "password": PASSWORD}),
    ]
    for answer in answers:
        assert "ana@example.com" not in answer.content.decode()
        assert "lost phone" not in answer.content.decode()


def test_a_page_says_what_an_action_does_before_it_does_it(admin, user):  # noqa: F811
    page = press(admin, "lock", user)
    assert "1 person cannot sign in any more" in page.content.decode()
    assert user.email in page.content.decode()
    unreasoned = press(admin, "lock", user, confirmed="1", reason=" ")
    assert unreasoned.context["form"].errors["reason"]
    user.refresh_from_db()
    assert user.locked_at is None
    assert not LogEntry.objects.exists()


def test_a_confirmed_action_returns_to_the_page_and_is_recorded(admin, user):  # noqa: F811
    answer = press(admin, "lock", user, confirmed="1", reason="theft")
    assert answer["Location"] == f"/admin/accounts/user/{user.pk}/change/"
    user.refresh_from_db()
    assert user.locked_at is not None
    assert "theft" in LogEntry.objects.get().get_change_message()
    assert SecurityEvent.objects.get(kind="locked").details["reason"] == "theft"


@pytest.mark.parametrize(
    ("action", "fields"),
    [("end_sessions", {}), ("send_password_link", {}), ("require_new_password", {}), ("unlock", {"locked_at": timezone.now()}),
     ("resend_verification", {"email_verified_at": None}), ("invite", {"email_verified_at": None, "invited_at": timezone.now()})],
)  # fmt: skip
def test_each_button_asks_first_and_works_then(admin, make_user, action, fields):  # noqa: F811
    user = make_user("cara@example.com", **fields)
    assert action in dict(page_of(admin, user).context["buttons"])
    assert press(admin, action, user).status_code == 200
    assert not LogEntry.objects.exists()
    assert press(admin, action, user, confirmed="1").status_code == 302
    assert LogEntry.objects.get().object_id == str(user.pk)


def test_buttons_without_sense_are_not_shown(admin, user):  # noqa: F811
    shown = set(dict(page_of(admin, user).context["buttons"]))
    assert not shown & {"unlock", "invite", "resend_verification", "delete_selected"}


def test_staff_assign_a_role_to_many_users_at_once(admin, user, make_user):  # noqa: F811
    other = make_user("other@example.com")
    role = Role.objects.get(name="Driver")
    given = {"role": role.pk, "scope": "fleet:12", "expires_at": "2099-01-01T12:00"}
    act(admin, "assign_role", user, other, **given)
    for one in (user, other):
        held = RoleAssignment.objects.get(user=one)
        assert (held.role, held.scope, held.expires_at.year) == (role, "fleet:12", 2099)


def test_a_role_is_given_and_ended_on_the_page(admin, user):  # noqa: F811
    role = Role.objects.get(name="Driver")
    admin.post(f"/admin/accounts/user/{user.pk}/roles/", {"role": role.pk, "scope": "fleet:12"})
    held = RoleAssignment.objects.get(user=user)
    page = page_of(admin, user)
    assert [one.scope for one in page.context["roles"]] == ["fleet:12"]
    ended = admin.post(f"/admin/accounts/user/{user.pk}/roles/{held.pk}/end/")
    assert ended.url.endswith(f"/{user.pk}/change/#roles")
    held.refresh_from_db()
    assert held.ended_at is not None
    assert admin.post(f"/admin/accounts/user/{user.pk}/roles/{held.pk}/end/").status_code == 404  # sent twice
    assert LogEntry.objects.count() == 2


def test_each_section_has_an_address_that_does_not_depend_on_the_others(admin, user):  # noqa: F811
    page = page_of(admin, user).content.decode()
    for anchor in ("roles", "mfa", "sessions", "events", "messages"):
        assert f'href="#{anchor}"' in page
        assert f'id="{anchor}"' in page


@pytest.mark.parametrize(
    "given", [{}, {"role": "x"}, {"role": "1", "scope": "no scope"}, {"role": "1", "scope": "a\x00"}]
)
def test_a_role_that_cannot_be_given_is_told_on_the_page(admin, user, given):  # noqa: F811
    answer = admin.post(f"/admin/accounts/user/{user.pk}/roles/", given, follow=True)
    assert answer.status_code in {200, 400}
    assert answer.status_code == 400 or messages_of(answer)
    assert not RoleAssignment.objects.filter(user=user).exists()


def test_an_account_with_more_power_is_shown_without_a_form_and_says_why(client, make_user, settings):
    settings.ADMIN_REQUIRE_2FA = False
    boss = make_user("boss@example.com", is_staff=True)
    assignments.grant(actor=None, user=boss, role=Role.objects.get(name="Administrator"))
    helper = make_user("helper@example.com", is_staff=True)
    assignments.grant(actor=None, user=helper, role=Role.objects.get(name="Support"))
    client.force_login(helper)
    page = page_of(client, boss)
    assert page.context["why_not_changeable"]
    assert page.context["why_not_changeable"] in page.content.decode().replace("&#x27;", "'")
    assert not page.context["buttons"]
    assert 'name="first_name"' not in page.content.decode()
    assert client.post(f"/admin/accounts/user/{boss.pk}/change/", {"first_name": "X"}).status_code == 403
    press(client, "lock", boss, confirmed="1", reason="theft")
    boss.refresh_from_db()
    assert (boss.first_name, boss.locked_at) == ("", None)


def test_sections_are_those_that_the_reader_may_open(client, make_user, user, settings):
    settings.ADMIN_REQUIRE_2FA = False
    Session.objects.create(user=user, device_name="Ann's tablet", expires_at=timezone.now() + timedelta(days=1))
    Message.objects.create(channel="email", to=[user.email], subject="Hello", user=user)
    manager = make_user("manager@example.com", is_staff=True)
    assignments.grant(actor=None, user=manager, role=Role.objects.get(name="Fleet manager"))
    client.force_login(manager)
    page = page_of(client, user)
    assert {str(section.title) for section in page.context["sections"]} == {"Two-factor authentication", "Messages"}
    assert "Hello" in page.content.decode()
    assert "tablet" not in page.content.decode()


def test_the_page_and_the_list_cost_few_queries(admin, user, sign_in):  # noqa: F811
    sign_in()
    for _number in range(12):
        Message.objects.create(channel="email", to=[user.email], user=user)
        SecurityEvent.objects.create(kind="signed_in", user=user, actor=admin.boss)
    lock_by_passwords(user)
    for path, most in ((f"/admin/accounts/user/{user.pk}/change/", 20), ("/admin/accounts/user/", 8)):
        admin.get(path)
        with CaptureQueriesContext(connection) as queries:
            admin.get(path)
        counted = [one["sql"] for one in queries if not one["sql"].startswith(("SAVEPOINT", "RELEASE", "BEGIN"))]
        assert len(counted) <= most, "\n".join(one[:150] for one in counted)


def test_the_list_is_filtered_by_a_typed_scope_and_keeps_the_other_filters(admin, user, make_user):  # noqa: F811
    fleet = scopes.create(actor=None, kind="fleet", key="12", name="Harbour")
    for member in (user, make_user("other@example.com", is_active=False)):
        scopes.add_member(actor=None, scope_id=fleet.pk, user=member)
    page = admin.get("/admin/accounts/user/?is_active__exact=1&scope=fleet:12")
    assert list(page.context["cl"].result_list) == [user]
    assert '<input type="hidden" name="is_active__exact" value="1">' in page.content.decode()
    assert not admin.get("/admin/accounts/user/?scope=fleet:13").context["cl"].result_list


@pytest.mark.parametrize(
    ("query", "expected"),
    [("mfa=yes", {"mfa"}), ("invited=yes", {"invited"}), ("seen=never", {"mfa", "invited", "boss"}), ("seen=7", {"new"}),
     ("seen=before", {"old"}), ("seen=30", {"new"})],
)  # fmt: skip
def test_the_list_is_filtered_by_what_staff_ask(admin, make_user, query, expected):  # noqa: F811
    now = timezone.now()
    TOTPDevice.objects.create(user=make_user("mfa@example.com"), secret="x", confirmed_at=now)
    make_user("invited@example.com", email_verified_at=None, invited_at=now)
    make_user("new@example.com", last_login=now)
    make_user("old@example.com", last_login=now - timedelta(days=100))
    type(admin.boss).objects.filter(pk=admin.boss.pk).update(last_login=None)
    found = admin.get(f"/admin/accounts/user/?{query}").context["cl"].result_list
    assert {user.email.split("@")[0] for user in found} == expected


@pytest.mark.parametrize(
    ("fields", "state"),
    [
        ({}, "OK"),
        ({"is_active": False, "locked_at": timezone.now()}, '<span class="tag bad">Deactivated</span>'),
        ({"locked_at": timezone.now()}, '<span class="tag bad">Locked by staff</span>'),
        ({"email_verified_at": None}, '<span class="tag warn">Not confirmed</span>'),
        ({"email_verified_at": None, "invited_at": timezone.now()}, '<span class="tag warn">Invited</span>'),
        ({"is_service_account": True}, "-"),
        ({"is_service_account": True, "is_active": False}, '<span class="tag bad">Deactivated</span>'),
    ],
)
def test_the_list_tells_who_cannot_sign_in_and_why(admin, make_user, fields, state):  # noqa: F811
    make_user("cara@example.com", **fields)
    page = admin.get("/admin/accounts/user/?q=cara").content.decode()
    cell = page.split('class="field-sign_in')[1].split(">", 1)[1].split("</td>")[0]
    assert cell.strip() == state


def test_the_page_of_a_reset_offers_what_the_reader_may_do(admin, user, make_user):  # noqa: F811
    for asker, is_offered in ((make_user("other@example.com"), True), (admin.boss, False)):
        reset = MFAReset.objects.create(user=user, requested_by=asker, reason="lost")
        path = f"/admin/accounts/mfareset/{reset.pk}/change/"
        page = admin.get(path)
        assert page.context["state"] == "Waiting for approval"
        assert ('value="approve"' in page.content.decode()) is is_offered
        press = {"action": "call_off", "_selected_action": [reset.pk], "from_page": "1", "confirmed": "1"}
        assert admin.post("/admin/accounts/mfareset/", press)["Location"] == path
        ended = admin.get(path)
        assert ended.context["state"] == "Cancelled"
        assert 'name="action"' not in ended.content.decode()

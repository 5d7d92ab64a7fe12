"""Nobody acts on somebody with more power, in any scope: every API call and admin action that acts on a user."""

from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.utils import timezone

from accounts.models import MFAReset, SecurityEvent, Session, TOTPDevice, User
from conftest import PASSWORD
from rbac.models import Role, RoleAssignment
from rbac.services import assignments, scopes

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]
V1 = "/api/v1"
SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"


def give(user, name, scope=""):
    return assignments.grant(actor=None, user=user, role=Role.objects.get(name=name), scope=scope)


@pytest.fixture(params=["Administrator in one fleet", "superuser", "inactive superuser", "holder of more"])
def target(request, make_user, allow):
    """Somebody who may do more than Support."""
    user = make_user("target@example.com", is_superuser="superuser" in request.param)
    if request.param == "Administrator in one fleet":
        give(user, "Administrator", "fleet:7")
    if request.param == "holder of more":
        allow(user, "users:delete")
    if request.param == "inactive superuser":
        User.objects.filter(pk=user.pk).update(is_active=False)
    Session.objects.create(user=user, expires_at=timezone.now() + timedelta(days=1))
    TOTPDevice.objects.create(user=user, secret=TOTPDevice.encrypt_secret(SECRET), confirmed_at=timezone.now())
    make_user("root@example.com", is_superuser=True)
    return user


@pytest.fixture
def support(make_user, allow):
    """Support, who may in addition create users and give and take roles."""
    person = make_user("support@example.com", is_staff=True)
    give(person, "Support")
    allow(person, "users:create", "roles:assign")
    return person


def state(user):
    """All of `user` that anybody could have changed."""
    row = User.objects.filter(pk=user.pk).values().get()
    return (
        row,
        set(RoleAssignment.objects.of(user).unended().values_list("role", "scope")),
        set(Session.objects.of(user).filter(ended_at=None).values_list("pk", flat=True)),
        set(MFAReset.objects.filter(user=user).values_list("pk", "approved_by")),
        SecurityEvent.objects.filter(user=user).count(),
    )


API_CALLS = {
    "email": ("patch", "/users/{user}/", {"email": "mine@example.com"}),
    "phone": ("patch", "/users/{user}/", {"phone": "+491701234567"}),
    "name": ("patch", "/users/{user}/", {"first_name": "Mine"}),
    "must change password": ("patch", "/users/{user}/", {"must_change_password": True}),
    "deactivate": ("patch", "/users/{user}/", {"is_active": False}),
    "activate": ("patch", "/users/{user}/", {"is_active": True}),
    "is_staff": ("patch", "/users/{user}/", {"is_staff": True}),
    "lock": ("post", "/users/{user}/lock/", {}),
    "unlock": ("post", "/users/{user}/unlock/", {}),
    "invite": ("post", "/users/{user}/invite/", {}),
    "password link": ("post", "/users/{user}/password-link/", {}),
    "delete": ("delete", "/users/{user}/", {}),
    "MFA reset": ("post", "/users/{user}/2fa-reset/", {"reason": "lost"}),
    "end a session": ("delete", "/users/{user}/sessions/{session}/", {}),
    "end all sessions": ("post", "/users/{user}/sessions/end/", {}),
    "give a role": ("post", "/users/{user}/roles/", {"role": "driver"}),
    "take a role": ("delete", "/users/{user}/roles/{role}/", {}),
}


@pytest.mark.parametrize("call", API_CALLS)
def test_no_api_call_acts_on_somebody_with_more_power(api, support, target, sign_in, call):
    method, path, body = API_CALLS[call]
    if call == "activate" and target.is_active and User.objects.get(pk=target.pk).is_active:
        User.objects.filter(pk=target.pk).update(is_active=False)
    give(target, "Driver")
    role = Role.objects.get(name="Driver")
    session = Session.objects.of(target).get()
    before = state(target)
    headers = {"Authorization": f"Bearer {sign_in(support.email)['access']}"}
    body = {"role": role.pk} if body.get("role") else body
    path = V1 + path.format(user=target.pk, session=session.pk, role=role.pk)
    answer = getattr(api, method)(path, body, format="json", headers=headers)
    assert answer.status_code == 403, answer.content
    assert state(target) == before


def test_an_mfa_reset_of_somebody_with_more_power_is_not_approved(api, support, target, sign_in, make_user):
    reset = MFAReset.objects.create(user=target, requested_by=make_user("other@example.com"), reason="lost")
    headers = {"Authorization": f"Bearer {sign_in(support.email)['access']}"}
    answer = api.post(f"{V1}/2fa-resets/{reset.pk}/approve/", headers=headers)
    assert answer.status_code == 403, answer.content
    reset.refresh_from_db()
    assert reset.approved_by is None


ADMIN_ACTIONS = ("lock", "unlock", "invite", "send_password_link", "end_sessions")


@pytest.mark.parametrize("action", ADMIN_ACTIONS)
def test_no_admin_action_acts_on_somebody_with_more_power(client, support, target, settings, action):
    settings.ADMIN_REQUIRE_2FA = False
    client.force_login(support)
    before = state(target)
    chosen = {"action": action, "_selected_action": [target.pk], "confirmed": "1", "reason": "theft"}
    page = client.post("/admin/accounts/user/", chosen, follow=True)
    assert [message.level_tag for message in page.context["messages"]] == ["error"]
    assert state(target) == before


def test_no_other_admin_page_acts_on_somebody_with_more_power(client, support, target, settings):
    settings.ADMIN_REQUIRE_2FA = False
    client.force_login(support)
    before, session = state(target), Session.objects.of(target).get()
    password = {"password1": "Another-Grill-2031!", "password2": "Another-Grill-2031!", "set-password": "1"}
    client.post(f"/admin/accounts/user/{target.pk}/password/", password)
    client.post(f"/admin/accounts/user/{target.pk}/change/", {"email": "mine@example.com", "is_active": "on"})
    client.post("/admin/accounts/session/", {"action": "end", "confirmed": "1", "_selected_action": [session.pk]})
    client.post("/admin/accounts/mfareset/add/", {"user": target.pk, "reason": "lost"})
    driver = Role.objects.get(name="Driver")
    client.post("/admin/rbac/roleassignment/add/", {"user": target.pk, "role": driver.pk, "scope": ""})
    assignment = list(RoleAssignment.objects.of(target).values_list("pk", flat=True))
    client.post("/admin/rbac/roleassignment/", {"action": "end", "confirmed": "1", "_selected_action": assignment})
    assert state(target) == before


def test_a_fleet_manager_does_not_take_the_administrator_role(api, make_user, sign_in):
    manager, administrator = make_user("manager@example.com"), make_user("administrator@example.com")
    give(manager, "Fleet manager")
    assignment = give(administrator, "Administrator")
    headers = {"Authorization": f"Bearer {sign_in(manager.email)['access']}"}
    path = f"{V1}/users/{administrator.pk}/roles/{assignment.role_id}/"
    assert api.delete(path, headers=headers).status_code == 403
    assert RoleAssignment.objects.of(administrator).unended().exists()


@pytest.mark.parametrize("flag", ["is_staff", "is_superuser"])
def test_nobody_but_a_superuser_gives_themselves_a_flag(api, client, make_user, sign_in, flag, settings):
    settings.ADMIN_REQUIRE_2FA = False
    person = make_user("support@example.com", is_staff=flag == "is_superuser")
    give(person, "Support")
    headers = {"Authorization": f"Bearer {sign_in(person.email)['access']}"}
    answer = api.patch(f"{V1}/users/{person.pk}/", {flag: True}, format="json", headers=headers)
    assert answer.status_code == 403
    client.force_login(person)
    client.post(f"/admin/accounts/user/{person.pk}/change/", {"email": person.email, "is_active": "on", flag: "on"})
    assert getattr(User.objects.get(pk=person.pk), flag) is False


def test_actions_on_a_user_stand_in_the_history_in_the_admin(client, user, make_user, settings):
    settings.ADMIN_REQUIRE_2FA = False
    client.force_login(make_user("boss@example.com", is_staff=True, is_superuser=True))
    for action in ("lock", "unlock", "end_sessions", "send_password_link"):
        chosen = {"action": action, "_selected_action": [user.pk], "confirmed": "1", "reason": "theft"}
        client.post("/admin/accounts/user/", chosen)
    entries = LogEntry.objects.filter(object_id=str(user.pk)).order_by("pk").values_list("change_message", flat=True)
    assert list(entries) == ["Locked. theft", "Unlocked.", "All sessions ended.", "Password link sent."]


def test_roles_and_mfa_resets_stand_in_the_history_of_the_user(client, user, make_user, settings):
    settings.ADMIN_REQUIRE_2FA = False
    TOTPDevice.objects.create(user=user, secret=TOTPDevice.encrypt_secret(SECRET), confirmed_at=timezone.now())
    client.force_login(make_user("boss@example.com", is_staff=True, is_superuser=True))
    driver = Role.objects.get(name="Driver")
    scopes.create(actor=None, kind="fleet", key="7")
    client.post("/admin/rbac/roleassignment/add/", {"user": user.pk, "role": driver.pk, "scope": "fleet:7"})
    assignment = RoleAssignment.objects.of(user).get()
    client.post("/admin/rbac/roleassignment/", {"action": "end", "confirmed": "1", "_selected_action": [assignment.pk]})
    client.post("/admin/accounts/mfareset/add/", {"user": user.pk, "reason": "lost"})
    page = client.get(f"/admin/accounts/user/{user.pk}/history/").content.decode()
    for sentence in ("Role given: Driver (fleet:7)", "Role taken away: Driver (fleet:7)", "Two-factor reset requested"):
        assert sentence in page


def test_a_lock_takes_a_reason_in_the_admin_and_keeps_it(client, user, make_user, settings):
    settings.ADMIN_REQUIRE_2FA = False
    client.force_login(make_user("boss@example.com", is_staff=True, is_superuser=True))
    chosen = {"action": "lock", "_selected_action": [user.pk], "confirmed": "1", "reason": " "}
    page = client.post("/admin/accounts/user/", chosen, follow=True)
    assert "reason" in page.context["form"].errors
    assert User.objects.get(pk=user.pk).locked_at is None
    client.post("/admin/accounts/user/", {**chosen, "reason": "Stolen phone"})
    assert SecurityEvent.objects.get(user=user, kind="locked").details == {"reason": "Stolen phone"}


def test_a_lock_over_the_api_takes_a_reason_or_none(api, user, make_user, sign_in):
    make_user("boss@example.com", is_superuser=True)
    headers = {"Authorization": f"Bearer {sign_in('boss@example.com')['access']}"}
    path = f"{V1}/users/{user.pk}/lock/"
    assert api.post(path, {"reason": "Stolen phone"}, format="json", headers=headers).status_code == 200
    assert api.post(path, headers=headers).status_code == 200
    stored = SecurityEvent.objects.filter(user=user, kind="locked").order_by("pk").values_list("details", flat=True)
    assert list(stored) == [{"reason": "Stolen phone"}, {}]


def test_support_sends_a_password_link_and_types_no_password(client, user, make_user, settings, link_token, api):
    settings.ADMIN_REQUIRE_2FA = False
    support = make_user("support@example.com", is_staff=True)
    give(support, "Support")
    client.force_login(support)
    assert client.get(f"/admin/accounts/user/{user.pk}/password/").status_code == 403
    client.post(
        "/admin/accounts/user/", {"action": "send_password_link", "_selected_action": [user.pk], "confirmed": "1"}
    )
    token = link_token("/password/reset/", to=user.email)
    assert api.post(f"{V1}/auth/password/reset/", {"token": token, "password": "Other-Kitchen-77?"}).status_code == 204
    event = SecurityEvent.objects.get(user=user, kind="password_reset_requested")
    assert event.actor == support


@pytest.mark.parametrize("is_superuser", [True, False])
def test_nobody_sees_anything_of_a_password_hash(client, user, make_user, settings, is_superuser):
    settings.ADMIN_REQUIRE_2FA = False
    staff = make_user("staff@example.com", PASSWORD, is_staff=True, is_superuser=is_superuser)
    give(staff, "Support")
    client.force_login(staff)
    page = client.get(f"/admin/accounts/user/{user.pk}/change/").content.decode()
    for word in ("bcrypt", "salt", "checksum", "md5", user.password.split("$")[-1][:6]):
        assert word not in page
    assert ('href="../password/"' in page) == is_superuser

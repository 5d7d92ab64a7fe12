"""Rights that were removed before the body of a request arrived do not apply to it."""

import pytest
from django.db import connection
from django.utils.http import urlencode

from accounts.models import MFAReset, Session, TOTPDevice, User
from accounts.services.account import email as account_email
from accounts.services.staff import users
from accounts.tests import delayed_requests
from accounts.tests.delayed_requests import CLOSURES, WITHDRAWALS
from conftest import PASSWORD
from foodfleet.core.http.clients import Client
from notifications.models import Message, SmsTemplate
from rbac.models import Role, RoleAssignment
from rbac.services import roles

pytestmark = pytest.mark.django_db(transaction=True)
V1 = "/api/v1"
SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"


@pytest.fixture
def boss(make_user, sign_in):
    """A superuser, beside another who may take that away."""
    make_user("chief@example.com", is_superuser=True)
    boss = make_user("boss@example.com", is_staff=True, is_superuser=True)
    boss.access = sign_in("boss@example.com")["access"]
    return boss


@pytest.fixture
def things(user):
    """What the calls below act on."""
    TOTPDevice.objects.create(user=user, secret=TOTPDevice.encrypt_secret(SECRET), confirmed_at=user.created_at)
    return {
        "user": user.pk,
        "role": roles.create(actor=None, edit=roles.RoleEdit(name="Taster", permissions=["users:read"])).pk,
        "template": SmsTemplate.objects.create(name="lunch", content="Lunch is ready").pk,
    }


CALLS = {
    "create a superuser": ("POST", "/users/", {"email": "new@example.com", "password": PASSWORD, "is_superuser": True}),
    "invite a user": ("POST", "/users/", {"email": "new@example.com"}),
    "change a user": ("PATCH", "/users/{user}/", {"first_name": "Changed", "email": "changed@example.com"}),
    "deactivate a user": ("PATCH", "/users/{user}/", {"is_active": False}),
    "lock a user": ("POST", "/users/{user}/lock/", {"reason": "theft"}),
    "grant a role": ("POST", "/users/{user}/roles/", {"role": "{role}"}),
    "make a role": ("POST", "/roles/", {"name": "New", "permissions": ["users:read"]}),
    "edit a role": ("PATCH", "/roles/{role}/", {"permissions": ["users:delete"]}),
    "add a permission": ("POST", "/permissions/", {"resource": "ovens", "action": "heat"}),
    "request an MFA reset": ("POST", "/users/{user}/2fa-reset/", {"reason": "lost"}),
    "add a text template": ("POST", "/sms-templates/", {"name": "dinner", "content": "Dinner is ready"}),
    "change a text template": ("PATCH", "/sms-templates/{template}/", {"content": "Call +1 900 555 0199"}),
    "send a mail": ("POST", "/notifications/email/", {"to": ["x@example.com"], "subject": "Hi", "text": "Hello"}),
    "send a text": ("POST", "/notifications/sms/", {"to": "+491701234567", "text": "Hello"}),
}


def snapshot(things):
    """All that the calls could have changed."""
    return [
        set(
            User.objects.exclude(email__startswith="boss").values_list("email", "first_name", "is_active", "locked_at")
        ),
        set(Role.permissions.through.objects.values_list("group_id", "permission_id")),
        set(Role.objects.values_list("name", flat=True)),
        RoleAssignment.objects.of(things["user"]).count(),
        MFAReset.objects.count(),
        set(SmsTemplate.objects.values_list("name", "content")),
        Message.objects.filter(sender__isnull=False).count(),
    ]


def filled(value, things):
    if isinstance(value, dict):
        return {name: filled(one, things) for name, one in value.items()}
    if value == "{role}":
        return things["role"]
    return value


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("withdrawal", WITHDRAWALS)
def test_a_delayed_staff_request_fails_once_power_is_gone(api, boss, things, call, withdrawal):
    method, path, body = CALLS[call]
    before = []

    def meanwhile():
        WITHDRAWALS[withdrawal](boss)
        before.extend(snapshot(things))

    path = V1 + path.format(**things)
    answer = delayed_requests.send(api, method, path, filled(body, things), meanwhile=meanwhile, access=boss.access)
    assert answer.status_code in {401, 403}, answer.content
    assert answer.status_code == (403 if withdrawal == "demote" else 401)
    assert snapshot(things) == before


@pytest.mark.parametrize("withdrawal", CLOSURES)
def test_a_delayed_profile_change_fails_once_the_account_is_closed(api, user, sign_in, withdrawal):
    access = sign_in()["access"]
    answer = delayed_requests.send(
        api, "PATCH", f"{V1}/users/me/", {"first_name": "Back"}, meanwhile=lambda: WITHDRAWALS[withdrawal](user),
        access=access,
    )  # fmt: skip
    assert answer.status_code == 401, answer.content
    row = User.objects.get(pk=user.pk)
    assert row.first_name == ""
    assert row.is_active == (withdrawal not in {"deactivate", "delete"})
    assert (row.locked_at is not None) == (withdrawal == "lock")
    assert (row.deleted_at is not None) == (withdrawal == "delete")


def test_a_delayed_profile_change_restores_no_power_and_no_address(api, boss, link_token):
    def meanwhile():
        delayed_requests.demote(boss)
        User.objects.filter(pk=boss.pk).update(email="owner@example.com", is_staff=False)

    path = f"{V1}/users/me/"
    answer = delayed_requests.send(api, "PATCH", path, {"last_name": "Held"}, meanwhile=meanwhile, access=boss.access)
    assert answer.status_code == 200, answer.content
    row = User.objects.get(pk=boss.pk)
    assert (row.last_name, row.email) == ("Held", "owner@example.com")
    assert not row.is_superuser
    assert not row.is_staff


OWN_CALLS = {
    "profile": ("/users/me/", "PATCH", {"language": "de"}),
    "phone": ("/auth/phone/", "POST", {"phone": "+491701234567"}),
    "email": ("/auth/email/change/", "POST", {"email": "thief@example.com", "password": PASSWORD}),
    "MFA": ("/auth/2fa/setup/", "POST", {"password": PASSWORD}),
    "preferences": ("/users/me/notification-preferences/", "PATCH", {"marketing": False}),
}


@pytest.mark.parametrize("call", OWN_CALLS)
def test_a_delayed_account_change_fails_after_logout_everywhere(api, user, sign_in, call):
    access = sign_in()["access"]
    Session.objects.of(user).update(reauthenticated_at=user.created_at)
    path, method, body = OWN_CALLS[call]
    answer = delayed_requests.send(
        api, method, V1 + path, body, meanwhile=lambda: delayed_requests.log_out_everywhere(user), access=access
    )
    assert answer.status_code in {401, 403}, answer.content
    assert User.objects.get(pk=user.pk).language == ""
    assert not TOTPDevice.objects.exists()
    assert account_email.pending(user) == ""


@pytest.mark.parametrize("withdrawal", WITHDRAWALS)
@pytest.mark.parametrize("page", ["change", "add", "lock"])
def test_a_delayed_admin_form_fails_once_power_is_gone(client, boss, user, settings, withdrawal, page):
    settings.ADMIN_REQUIRE_2FA = False
    client.force_login(boss)
    forms = {
        "change": (f"{user.pk}/change/", {"email": user.email, "first_name": "Changed", "is_superuser": "on"}),
        "add": ("add/", {"email": "new@example.com", "usable_password": "false"}),
        "lock": ("", {"action": "lock", "_selected_action": user.pk, "reason": "theft", "confirmed": "1"}),
    }
    path, form = forms[page]
    data = urlencode(form).encode()
    form_type = "application/x-www-form-urlencoded"
    delayed_requests.send_bytes(
        client, "POST", f"/admin/accounts/user/{path}", data, form_type,
        meanwhile=lambda: WITHDRAWALS[withdrawal](boss),
    )  # fmt: skip
    row = User.objects.get(pk=user.pk)
    assert (row.first_name, row.is_superuser, row.locked_at) == ("", False, None)
    assert not User.objects.filter(email="new@example.com").exists()


@pytest.mark.postgres
def test_a_service_waits_for_who_is_taking_the_actors_power_away(boss, user):
    """The actor's row is locked: whoever demotes is either first, and the service refuses, or waits."""
    from concurrent.futures import ThreadPoolExecutor
    from threading import Event

    from django.db import transaction

    from foodfleet.core.exceptions import BaseAppException

    locked, started = Event(), Event()

    def demote():
        with transaction.atomic():
            User.objects.filter(pk=boss.pk).update(is_superuser=False)
            locked.set()
            started.wait(10)
            connection.cursor().execute("SELECT pg_sleep(0.3)")
        connection.close()

    def act():
        locked.wait(10)
        started.set()
        try:
            return users.lock(pk=user.pk, actor=boss, client=Client())
        except BaseAppException as error:
            return error.status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        pool.submit(demote)
        assert pool.submit(act).result(20) == 403

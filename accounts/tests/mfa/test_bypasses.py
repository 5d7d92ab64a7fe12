"""MFA cannot be bypassed: by roles, by older sessions, by turning it off and on."""

import pytest

from accounts.models import Session, User
from accounts.tests.authenticator import Authenticator
from accounts.tests.authenticator_app import app_code
from conftest import PASSWORD
from foodfleet.core.http.clients import Client
from rbac.models import Role
from rbac.services import assignments, roles
from rbac.services.roles import RoleEdit

pytestmark = pytest.mark.django_db(transaction=True)
V1 = "/api/v1"


def bearer(access):
    return {"Authorization": f"Bearer {access}"}


def make(name, *codenames, **edit):
    return roles.create(actor=None, edit=RoleEdit(name=name, permissions=codenames, **edit))


@pytest.fixture
def editor(make_user, allow, sign_in):
    """Somebody who may edit roles, and does not hold users:delete."""
    person = make_user("editor@example.com")
    allow(person, "roles:read", "roles:update", "roles:create")
    return bearer(sign_in(person.email)["access"])


EDITS = {
    "own permission instead of inclusion": ("outer", {"includes": [], "permissions": ["users:delete"]}),
    "inclusion of another role with it": ("outer", {"includes": ["plain"], "permissions": []}),
    "requirement of the included role": ("inner", {"requires_2fa": False}),
}


@pytest.mark.parametrize("edit", EDITS)
def test_a_role_edit_does_not_lower_the_mfa_requirement(api, user, editor, sign_in, edit):
    inner = make("inner", "users:delete", requires_2fa=True)
    made = {"inner": inner, "outer": make("outer", includes=[inner.pk]), "plain": make("plain", "users:delete")}
    assignments.grant(actor=None, user=user, role=made["outer"])
    access = bearer(sign_in()["access"])
    assert api.get(f"{V1}/users/me/", headers=access).json()["code"] == "two_factor_required"
    name, body = EDITS[edit]
    body = {**body, "includes": [made[one].pk for one in body["includes"]]} if "includes" in body else body
    answer = api.patch(f"{V1}/roles/{made[name].pk}/", body, format="json", headers=editor)
    assert (answer.status_code, answer.json()["details"]["missing"]) == (403, ["users:delete"])
    assert api.get(f"{V1}/users/me/", headers=access).json()["code"] == "two_factor_required"


def test_the_mfa_requirement_of_an_empty_included_role_stays(api, editor):
    required = make("required", requires_2fa=True)
    make("outer", "users:delete", includes=[required.pk])
    answer = api.patch(f"{V1}/roles/{required.pk}/", {"requires_2fa": False}, format="json", headers=editor)
    assert answer.status_code == 403
    assert Role.objects.get(pk=required.pk).requires_2fa


def switch_on_totp(api, access):
    """Set up an authenticator app; returns its secret."""
    secret = api.post(f"{V1}/auth/2fa/setup/", {"password": PASSWORD}, headers=access).json()["secret"]
    assert api.post(f"{V1}/auth/2fa/verify/", {"code": app_code(secret, -1)}, headers=access).status_code == 200
    return secret


def switch_on_passkey(api, access):
    """Add a passkey."""
    challenge = api.post(f"{V1}/auth/passkeys/options/", headers=access).json()
    body = {
        "challenge": challenge["challenge"],
        "credential": Authenticator().create(challenge["options"]),
        "name": "Key",
    }
    assert api.post(f"{V1}/auth/passkeys/", body, format="json", headers=access).status_code == 201


@pytest.mark.parametrize("switch_on", [switch_on_totp, switch_on_passkey])
def test_switching_mfa_on_ends_sessions_begun_by_password_alone(api, user, sign_in, switch_on):
    thief, owner = bearer(sign_in()["access"]), bearer(sign_in()["access"])
    switch_on(api, owner)
    assert api.get(f"{V1}/users/me/", headers=owner).status_code == 200
    assert api.get(f"{V1}/users/me/", headers=thief).status_code == 401
    assert api.post(f"{V1}/auth/passkeys/options/", headers=thief).status_code == 401
    assert list(Session.objects.of(user).values_list("end_reason", flat=True).order_by("created_at")) == [
        "two_factor_enabled",
        "",
    ]


def test_the_admin_requires_mfa_again_after_it_was_disabled(client, api, make_user, settings):
    settings.ADMIN_REQUIRE_2FA = True
    boss = make_user("boss@example.com", is_staff=True, is_superuser=True)
    client.post("/login/", {"email": boss.email, "password": PASSWORD})
    assert client.get("/admin/accounts/user/").status_code == 302
    session = Session.objects.of(boss).get()
    from accounts.services.mfa import enrolment

    setup = enrolment.start_totp(user=boss, session_id=session.pk)
    enrolment.confirm_totp(user=boss, session_id=session.pk, code=app_code(setup.secret), client=Client())
    assert client.get("/admin/accounts/user/").status_code == 200
    enrolment.disable(user=boss, session_id=session.pk, client=Client())
    assert client.get("/admin/accounts/user/").status_code == 302
    assert not User.objects.filter(pk=boss.pk).with_mfa().exists()

"""What somebody has to do first, and what stays open meanwhile."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.exceptions import (
    PasswordChangeRequiredException,
    ReauthenticationRequiredException,
    TwoFactorRequiredException,
)
from accounts.models import Session, TOTPDevice
from accounts.services.account import access
from conftest import PASSWORD
from foodfleet.core.http.access import SIGNED_IN, Reauthentication
from rbac.services import assignments, roles

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_holder_without_mfa_can_only_enrol(api, user, sign_in):
    role = roles.create(actor=None, edit=roles.RoleEdit(name="strict", permissions=["users:read"], requires_2fa=True))
    token = {"Authorization": f"Bearer {sign_in()['access']}"}
    assert api.get("/api/v1/users/me/", headers=token).status_code == 200
    assignments.grant(actor=None, user=user, role=role, scope="fleet:12")
    for path in ("/api/v1/users/me/", "/api/v1/roles/", "/api/v1/auth/sessions/"):
        refused = api.get(path, headers=token)
        assert (refused.status_code, refused.json()["code"]) == (403, "two_factor_required")
    assert api.get("/api/v1/auth/2fa/", headers=token).status_code == 200
    assert api.post("/api/v1/auth/2fa/setup/", {"password": PASSWORD}, headers=token).status_code == 200
    assignments.revoke(actor=None, user=user, role=role)
    assert api.get("/api/v1/users/me/", headers=token).status_code == 200


@pytest.fixture
def strict(client, make_user, settings):
    """A superuser whose role requires MFA; the admin itself does not."""
    settings.ADMIN_REQUIRE_2FA = False
    boss = make_user("boss@example.com", is_staff=True, is_superuser=True)
    role = roles.create(actor=None, edit=roles.RoleEdit(name="strict", requires_2fa=True))
    assignments.grant(actor=None, user=boss, role=role)
    client.force_login(boss)
    client.boss, client.role = boss, role
    return client


@pytest.mark.parametrize("path", ["/account/", "/account/sessions/", "/account/email/", "/admin/", "/admin/jsi18n/"])
def test_a_browser_of_such_a_holder_is_led_to_the_set_up_page(strict, path):
    for answer in (strict.get(path), strict.post(path)):
        assert (answer.status_code, answer.headers["Location"]) == (302, "/account/totp/")


@pytest.mark.parametrize("path", ["/account/security/", "/account/reauthenticate/", "/health/live/"])
def test_pages_that_mfa_set_up_needs_stay_open(strict, path):
    assert strict.get(path).status_code == 200


def test_the_set_up_page_does_not_lead_to_itself(strict):
    assert strict.get("/account/totp/", follow=True).status_code == 200


def test_every_page_opens_with_mfa_or_without_the_role(strict):
    device = TOTPDevice.objects.create(user=strict.boss, confirmed_at=timezone.now())
    assert strict.get("/admin/").status_code == 200
    device.delete()
    assert strict.get("/admin/").status_code == 302
    assignments.revoke(actor=None, user=strict.boss, role=strict.role)
    assert strict.get("/account/").status_code == 200


def test_a_new_password_comes_before_mfa(user, allow):
    allow(user, "users:read")
    roles.update(actor=None, role=user.role_assignments.get().role, edit=roles.RoleEdit(requires_2fa=True))
    user.must_change_password = True
    with pytest.raises(PasswordChangeRequiredException):
        access.ensure_no_action_pending(user, SIGNED_IN)
    user.must_change_password = False
    with pytest.raises(TwoFactorRequiredException):
        access.ensure_no_action_pending(user, SIGNED_IN)
    user.is_service_account = True  # whoever makes its keys has passed MFA
    access.ensure_no_action_pending(user, SIGNED_IN)


def test_a_head_request_needs_what_a_get_request_needs(user):
    declared = replace(SIGNED_IN, reauthentication={"GET": Reauthentication.ALWAYS})
    session = Session.objects.create(user=user, expires_at=timezone.now() + timedelta(days=1))
    for method in ("GET", "HEAD"):
        with pytest.raises(ReauthenticationRequiredException):
            access.ensure_reauthenticated(user, session.pk, declared, method)
    access.ensure_reauthenticated(user, session.pk, declared, "POST")
    Session.objects.update(reauthenticated_at=timezone.now())
    access.ensure_reauthenticated(user, session.pk, declared, "HEAD")

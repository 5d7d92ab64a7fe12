"""An SMS as the second step: a fallback that a setting or a role rules out."""

import pytest
from django.utils import timezone

from accounts import signals
from accounts.models import TOTPDevice
from conftest import PASSWORD
from rbac.services import assignments, roles

pytestmark = pytest.mark.django_db(transaction=True)
CREDENTIALS = {"email": "ann@example.com", "password": PASSWORD}


@pytest.fixture
def ann(make_user):
    """Somebody with an app and a phone."""
    user = make_user(phone="+491701234567", phone_verified_at=timezone.now())
    TOTPDevice.objects.create(
        user=user, secret=TOTPDevice.encrypt_secret("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"), confirmed_at=timezone.now()
    )
    return user


@pytest.fixture
def sms_codes():
    """The codes that were sent by SMS."""
    codes = []

    def keep(code, **kwargs):
        codes.append(code)

    signals.sms_code_requested.connect(keep)
    yield codes
    signals.sms_code_requested.disconnect(keep)


def by_setting(settings, user):
    settings.SECOND_FACTOR_SMS = False


def by_role(settings, user):
    role = roles.create(actor=None, edit=roles.RoleEdit(name="No SMS", forbids_sms_code=True))
    assignments.grant(actor=None, user=user, role=role, scope="fleet:12")


def by_included_role(settings, user):
    included = roles.create(actor=None, edit=roles.RoleEdit(name="No SMS", forbids_sms_code=True))
    role = roles.create(actor=None, edit=roles.RoleEdit(name="Driver of money", includes=[included.pk]))
    assignments.grant(actor=None, user=user, role=role)


rulers = pytest.mark.parametrize("rule_out", [by_setting, by_role, by_included_role])


def challenge(api):
    return api.post("/api/v1/auth/login/", CREDENTIALS).json()


def answer(api, pending, code):
    return api.post("/api/v1/auth/login/verify/", {"challenge": pending["challenge"], "method": "sms", "code": code})


def test_a_code_by_sms_is_a_second_step_over_the_api(api, ann, sms_codes):
    pending = challenge(api)
    assert pending["methods"] == ["totp", "sms"]
    assert api.post("/api/v1/auth/login/sms/", {"challenge": pending["challenge"]}).status_code == 202
    assert answer(api, pending, sms_codes[0]).status_code == 200


@rulers
def test_disabled_sms_codes_are_neither_offered_nor_sent(api, ann, sms_codes, settings, rule_out):
    rule_out(settings, ann)
    pending = challenge(api)
    assert pending["methods"] == ["totp"]
    refused = api.post("/api/v1/auth/login/sms/", {"challenge": pending["challenge"]})
    assert (refused.status_code, refused.json()["code"]) == (401, "invalid_2fa_code")
    assert not sms_codes


@rulers
def test_ruled_out_while_a_sign_in_waits_the_code_by_sms_serves_no_more(api, ann, sms_codes, settings, rule_out):
    pending = challenge(api)
    api.post("/api/v1/auth/login/sms/", {"challenge": pending["challenge"]})
    rule_out(settings, ann)
    assert answer(api, pending, sms_codes[0]).status_code == 401


@rulers
def test_pages_do_not_offer_sms_codes_that_are_ruled_out(client, ann, sms_codes, settings, rule_out):
    client.post("/login/", CREDENTIALS)
    assert client.get("/login/verify/?method=sms").context["method"] == "sms"
    rule_out(settings, ann)
    page = client.get("/login/verify/?method=sms")
    assert (page.context["method"], page.context["methods"]) == ("totp", ["totp"])
    client.post("/login/sms/")
    assert not sms_codes


def test_the_role_taken_away_a_text_serves_again(api, ann):
    role = roles.create(actor=None, edit=roles.RoleEdit(name="No SMS", forbids_sms_code=True))
    assignments.grant(actor=None, user=ann, role=role)
    assert challenge(api)["methods"] == ["totp"]
    roles.update(actor=None, role=role, edit=roles.RoleEdit(forbids_sms_code=False))
    assert challenge(api)["methods"] == ["totp", "sms"]


def test_the_mfa_requirement_is_set_over_the_api_and_recorded(api, make_user, sign_in):
    make_user("root@example.com", is_superuser=True)
    bearer = {"Authorization": f"Bearer {sign_in(email='root@example.com')['access']}"}
    made = api.post("/api/v1/roles/", {"name": "No SMS", "forbids_sms_code": True}, headers=bearer)
    assert made.json()["forbids_sms_code"] is True
    changed = api.patch(f"/api/v1/roles/{made.json()['id']}/", {"forbids_sms_code": False}, headers=bearer)
    assert changed.json()["forbids_sms_code"] is False
    revisions = roles.find(made.json()["id"]).revisions.order_by("pk")
    assert list(revisions.values_list("forbids_sms_code", flat=True)) == [True, False]


def test_the_admin_sets_whether_a_role_forbids_sms_codes(client, make_user):
    client.force_login(make_user("root@example.com", is_staff=True, is_superuser=True))
    client.post("/admin/rbac/role/add/", {"name": "No SMS", "forbids_sms_code": "on"})
    role = roles.Role.objects.get(name="No SMS")
    assert role.forbids_sms_code
    client.post(f"/admin/rbac/role/{role.pk}/change/", {"name": "No SMS", "confirmed": "1"})
    role.refresh_from_db()
    assert not role.forbids_sms_code


def test_lifting_a_ban_on_sms_codes_takes_the_permissions_of_the_role(api, user, allow, sign_in):
    allow(user, "roles:update", "roles:read")
    role = roles.create(
        actor=None, edit=roles.RoleEdit(name="No SMS", permissions=["users:delete"], forbids_sms_code=True)
    )
    bearer = {"Authorization": f"Bearer {sign_in()['access']}"}
    refused = api.patch(f"/api/v1/roles/{role.pk}/", {"forbids_sms_code": False}, headers=bearer)
    assert refused.status_code == 403

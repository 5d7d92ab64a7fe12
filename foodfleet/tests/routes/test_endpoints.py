"""Every endpoint does what its view declares, and the declarations that matter most are the expected ones.

A missing sign-in, required action, re-authentication or permission is refused in the same way by pages, API and admin.
"""

import json
import re
from datetime import timedelta
from http.cookies import SimpleCookie

import pytest
from django.db import transaction
from django.test import Client as Browser
from django.utils import timezone

from accounts.models import MFAReset, Passkey, Session, TOTPDevice, TrustedBrowser
from accounts.tests.authenticator_app import app_code
from conftest import PASSWORD
from foodfleet.core.http.access import SIGNED_IN, Caller, Reauthentication, RequiredAction
from foodfleet.tests.routes.endpoints import ENDPOINTS, METHODS, OF_MODULES, PUBLIC_OF_MODULES, URLCONF, Endpoint
from rbac.services import assignments, roles

pytestmark = [pytest.mark.django_db, pytest.mark.once]
SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
NEW_PASSWORD = "Another-Grill-2027!"
A_MODEL = "admin/accounts/user/"
NUMBER, UUID = "4711", "00000000-0000-4000-8000-000000000000"
FILLED = {
    "content_type_id": "1",
    "app_label": "accounts",
    "url": "nowhere",
    "token": "wrong",
    "session_id": UUID,
    "key_id": UUID,
    "delivery_id": UUID,
}
BODIES = {
    "login/": {"email": "ann@example.com", "password": PASSWORD},
    "account/": {"first_name": "Ann", "language": "en"},
    "account/email/": {"email": "new@example.com"},
    "account/phone/": {"phone": "+491701234567"},
    "account/phone/verify/": {"code": "000000"},
    "account/password/": {"current_password": PASSWORD, "new_password": NEW_PASSWORD},
    "account/reauthenticate/": {"password": PASSWORD, "code": "000000"},
    "account/totp/": {"code": "000000"},
    "account/passkeys/": {"name": "Phone", "credential": "{}", "challenge": "wrong"},
    "account/passkeys/<id>/": {"name": "Phone", "passwordless": "on"},
    "api/v1/auth/login/": {"email": "ann@example.com", "password": PASSWORD},
    "api/v1/auth/2fa/setup/": {"password": PASSWORD},
    "api/v1/auth/2fa/disable/": {"password": PASSWORD, "code": "000000"},
    "api/v1/auth/proof/": {"password": PASSWORD, "code": "000000"},
    "api/v1/auth/passkeys/": {"name": "Phone", "credential": {}, "challenge": "wrong"},
    "api/v1/auth/passkeys/<passkey_id>/": {"passwordless": True},
    "api/v1/auth/password/change/": {"current_password": PASSWORD, "new_password": NEW_PASSWORD},
    "api/v1/auth/email/change/": {"email": "new@example.com", "password": PASSWORD},
    "api/v1/auth/phone/": {"phone": "+491701234567"},
}
REFUSALS = {  # what is missing: the response of the API, the page that a browser is sent to
    "sign-in": ((401, "not_authenticated"), "/login/?next="),
    "MFA enrolment": ((403, "two_factor_required"), "/account/totp/"),
    "password change": ((403, "password_change_required"), "/account/security/#password"),
    "re-authentication": ((403, "fresh_proof_required"), "/account/reauthenticate/"),
}


# -- What is expected, in words of its own, of declarations that would open something by mistake
PUBLIC = """
api/ api/v1/schema/ api/v1/docs/ api/v1/webhooks/ses/ .well-known/jwks.json site-colors.css health/live/ health/ready/ metrics
dev/mailbox/ dev/mailbox/<message_id>/ admin/login/ admin/logout/
/ language/ register/ login/ login/verify/ login/sms/ logout/ email/verify/<token>/ email/resend/ password/forgot/
password/reset/<token>/ account/not-me/<token>/ account/email/confirm/<token>/ account/email/undo/<token>/
unsubscribe/<token>/
api/v1/auth/register/ api/v1/auth/email/verify/ api/v1/auth/email/resend/ api/v1/auth/login/ api/v1/auth/login/verify/
api/v1/auth/login/sms/ api/v1/auth/login/passkey/ api/v1/auth/login/passkey/verify/ api/v1/auth/refresh/
api/v1/auth/logout/ api/v1/auth/password/forgot/ api/v1/auth/password/reset/ api/v1/auth/email/change/confirm/
api/v1/auth/compromise/ api/v1/auth/token/ api/v1/auth/token/revoke/
api/v1/auth/email/change/undo/
"""
DURING_PASSWORD_CHANGE = """
account/security/ account/password/ account/reauthenticate/ account/sessions/end-others/
api/v1/auth/proof/ api/v1/auth/proof/passkey/ api/v1/auth/proof/passkey/verify/ api/v1/auth/logout/all/
api/v1/auth/password/change/
"""
DURING_MFA_ENROLMENT = f"""
{DURING_PASSWORD_CHANGE} account/totp/ account/backup-codes/ account/passkeys/
api/v1/auth/2fa/ api/v1/auth/2fa/setup/ api/v1/auth/2fa/verify/ api/v1/auth/2fa/backup-codes/ api/v1/auth/2fa/disable/
api/v1/auth/passkeys/ api/v1/auth/passkeys/options/ api/v1/auth/passkeys/<passkey_id>/
"""
REAUTHENTICATED = {
    "POST account/email/", "POST account/data/", "POST account/phone/", "POST account/phone/remove/",
    "POST account/password/", "GET account/totp/", "POST account/totp/", "GET account/totp/disable/",
    "POST account/totp/disable/", "POST account/backup-codes/", "GET account/passkeys/", "POST account/passkeys/",
    "POST account/passkeys/<id>/", "POST account/passkeys/<id>/remove/", "POST api/v1/auth/2fa/setup/",
    "POST api/v1/auth/passkeys/", "POST api/v1/auth/passkeys/options/", "PATCH api/v1/auth/passkeys/<passkey_id>/",
    "DELETE api/v1/auth/passkeys/<passkey_id>/", "POST api/v1/auth/password/change/", "POST api/v1/auth/email/change/",
    "POST api/v1/auth/phone/", "GET account/delete/", "POST account/delete/", "POST account/delete/cancel/",
    "DELETE api/v1/users/me/", "POST api/v1/users/me/deletion/cancel/",
    "POST api/v1/users/me/keys/", "GET view-as/<pk>/", "POST view-as/<pk>/",
}  # fmt: skip
# Where the password is compared: wrong ones lock the account, and a locked account is refused.
WITH_PASSWORD = {
    "POST login/", "POST account/password/", "POST account/reauthenticate/", "POST api/v1/auth/login/",
    "POST api/v1/auth/2fa/setup/", "POST api/v1/auth/2fa/disable/", "POST api/v1/auth/proof/",
    "POST api/v1/auth/password/change/", "POST api/v1/auth/email/change/",
}  # fmt: skip


def endpoints(chosen):
    return [endpoint for endpoint in ENDPOINTS if chosen(endpoint)]


# One view wraps all pages of the admin: of what it checks for each of them, those of one model are enough.
SAMPLED = endpoints(
    lambda endpoint: not re.match(r"admin/\w+/\w+/", endpoint.address) or endpoint.address.startswith(A_MODEL)
)
CLOSED = endpoints(lambda endpoint: not endpoint.is_public)
CLOSED_SAMPLED = [endpoint for endpoint in SAMPLED if not endpoint.is_public]
OPEN = endpoints(lambda endpoint: endpoint.is_public)
WITH_REAUTHENTICATION = endpoints(lambda endpoint: endpoint.reauthentication is not None)
STAFF = endpoints(lambda endpoint: endpoint.access.caller is Caller.STAFF)
GUARDED = endpoints(lambda endpoint: endpoint.access.caller is Caller.PERMITTED)
PASSWORD_ENDPOINTS = endpoints(lambda endpoint: str(endpoint) in WITH_PASSWORD)


def wrong_endpoints(tried, is_right):
    """Those of `tried` for which `is_right(endpoint)` is false; what each request changes is rolled back."""
    wrong = []
    for endpoint in tried:
        point = transaction.savepoint()
        if not is_right(endpoint):
            wrong.append(str(endpoint))
        transaction.savepoint_rollback(point)
    return wrong


@pytest.fixture(autouse=True)
def _with_the_mailbox(settings):
    """The endpoints of a development machine, which include the mailbox."""
    settings.ROOT_URLCONF = URLCONF


def fill(address):
    return "/" + re.sub(r"<(\w+)>", lambda found: FILLED.get(found[1], NUMBER), address).replace(
        f"sessions/{NUMBER}/", f"sessions/{UUID}/"
    )


def send(browser, endpoint, headers=None, body=None):
    """Send a request that the endpoint accepts; returns the response."""
    method = "GET" if endpoint.method == "any" else endpoint.method
    data = BODIES.get(endpoint.address, {}) if body is None else body
    if endpoint.is_api:
        return browser.generic(
            method,
            fill(endpoint.address),
            json.dumps(data) if method != "GET" else "",
            "application/json",
            headers=headers,
        )
    return getattr(browser, method.lower())(fill(endpoint.address), data if method == "POST" else None)


def is_refused(answer, missing, endpoint):
    """Whether the response refuses the request for want of `missing`."""
    (status, code), page = REFUSALS[missing]
    if endpoint.is_api:
        return answer.status_code == status and answer.json()["code"] == code
    location = answer.headers.get("Location", "")
    if (
        missing == "sign-in" and endpoint.access.caller is Caller.STAFF
    ):  # the admin redirects by way of its own login address
        page = "/admin/login/"
    return answer.status_code == 302 and location.startswith(page)


@pytest.fixture
def ann(make_user):
    """A superuser on the staff."""
    return make_user(is_staff=True, is_superuser=True)


def enable_mfa(user):
    TOTPDevice.objects.create(user=user, secret=TOTPDevice.encrypt_secret(SECRET), confirmed_at=timezone.now())
    Passkey.objects.create(pk=int(NUMBER), user=user, name="Key", credential_id=b"1", public_key=b"1", sign_count=0)
    TrustedBrowser.objects.create(pk=int(NUMBER), user=user, digest="1", expires_at=timezone.now() + timedelta(days=1))


class SteadyBrowser(Browser):
    """A browser whose cookies no answer changes: what the request changed is rolled back."""

    def request(self, **request):
        cookies = SimpleCookie(self.cookies)
        answer = super().request(**request)
        self.cookies = cookies
        return answer


def signed_in_browser(user):
    """A browser in which `user` has just signed in, with MFA."""
    browser = SteadyBrowser(raise_request_exception=False)
    browser.force_login(user)
    Session.objects.filter(user=user).update(reauthenticated_at=timezone.now(), mfa_passed_at=timezone.now())
    return browser


# -- The declarations ---------------------------------------------------------------------------------------------------
def test_only_the_expected_endpoints_are_public():
    expected = set(PUBLIC.split()) | PUBLIC_OF_MODULES
    hint = "those of a module stand in `public` of its ModuleConfig, others in PUBLIC above"
    assert {endpoint.address or "/" for endpoint in OPEN} == expected, hint


def test_only_the_expected_endpoints_are_open_during_a_required_action():
    expected = {
        RequiredAction.PASSWORD_CHANGE: set(DURING_PASSWORD_CHANGE.split()),
        RequiredAction.MFA_ENROLMENT: set(DURING_MFA_ENROLMENT.split()),
    }
    for action, addresses in expected.items():
        assert {endpoint.address for endpoint in CLOSED if endpoint.is_open_during(action)} == addresses


def test_the_expected_endpoints_need_reauthentication():
    assert {str(endpoint) for endpoint in WITH_REAUTHENTICATION if endpoint not in OF_MODULES} == REAUTHENTICATED


def test_everything_of_the_admin_is_for_staff_but_its_sign_in_and_out():
    assert {endpoint.address for endpoint in ENDPOINTS if endpoint.address.startswith("admin/")} == {
        "admin/login/", "admin/logout/", *(endpoint.address for endpoint in STAFF),
    }  # fmt: skip


# -- What each endpoint does ----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("method", METHODS)
def test_an_endpoint_answers_the_methods_that_its_view_has_only(ann, method):
    enable_mfa(ann)
    listed = {}
    for endpoint in ENDPOINTS:
        listed.setdefault(endpoint.address, set()).add(endpoint.method)
    tried = [Endpoint(method, address, SIGNED_IN) for address in listed if "any" not in listed[address]]
    browser = signed_in_browser(ann)

    def is_right(endpoint):
        status = send(browser, endpoint, body={}).status_code
        if method in listed[endpoint.address]:
            return status != 405
        return status == 405 or (
            not endpoint.is_api and status in {302, 400}
        )  # redirected before the method is looked at

    assert wrong_endpoints(tried, is_right) == []


# -- Callers who are not signed in or locked ----------------------------------------------------------------------------
def test_an_endpoint_that_is_not_public_requires_sign_in():
    assert wrong_endpoints(CLOSED, lambda endpoint: is_refused(send(Browser(), endpoint), "sign-in", endpoint)) == []


def test_a_public_endpoint_asks_nobody_to_sign_in():
    def is_right(endpoint):
        answer = send(Browser(), endpoint)
        return endpoint.address == "admin/login/" or not any(
            is_refused(answer, missing, endpoint) for missing in REFUSALS
        )

    assert wrong_endpoints(OPEN, is_right) == []


@pytest.fixture
def lock(ann, make_user):
    """Lock Ann's account, as staff do."""
    boss = signed_in_browser(make_user("boss@example.com", is_superuser=True))
    return lambda: boss.post(f"/api/v1/users/{ann.pk}/lock/")


def test_the_session_of_a_locked_account_is_refused_everywhere(ann, lock):
    browser = signed_in_browser(ann)
    assert lock().status_code == 200

    def is_right(endpoint):
        return is_refused(send(browser, endpoint), "sign-in", endpoint)

    assert wrong_endpoints(CLOSED_SAMPLED, is_right) == []


def test_the_access_token_of_a_locked_account_is_refused_everywhere(ann, lock, sign_in):
    bearer = {"Authorization": f"Bearer {sign_in()['access']}"}
    assert lock().status_code == 200
    calls = [endpoint for endpoint in CLOSED if endpoint.is_api]
    assert wrong_endpoints(calls, lambda endpoint: send(Browser(), endpoint, bearer).status_code == 401) == []


@pytest.mark.parametrize("endpoint", PASSWORD_ENDPOINTS, ids=str)
def test_five_wrong_passwords_lock_every_endpoint_that_compares_one(ann, endpoint):
    right = BODIES[endpoint.address]
    wrong = {name: "Wrong-1234!" if name in {"password", "current_password"} else right[name] for name in right}
    for _ in range(5):
        assert (
            send(Browser() if endpoint.is_public else signed_in_browser(ann), endpoint, body=wrong).status_code == 401
        )

    def is_locked(other):
        answer = send(Browser() if other.is_public else signed_in_browser(ann), other)
        return answer.status_code == 401 and "locked" in answer.content.decode()

    assert wrong_endpoints(PASSWORD_ENDPOINTS, is_locked) == []


# -- Required actions --------------------------------------------------------------------------
@pytest.fixture
def mfa_required(ann):
    """Give Ann a role that requires MFA, which she has not set up."""
    role = roles.create(actor=None, edit=roles.RoleEdit(name="strict", requires_2fa=True))
    assignments.grant(actor=None, user=ann, role=role)


def test_pending_mfa_enrolment_closes_all_endpoints_but_those_declared(ann, mfa_required):
    browser = signed_in_browser(ann)

    def is_right(endpoint):
        let_in = endpoint.is_public or endpoint.is_open_during(RequiredAction.MFA_ENROLMENT)
        return is_refused(send(browser, endpoint), "MFA enrolment", endpoint) != let_in

    assert wrong_endpoints(SAMPLED, is_right) == []


def test_a_pending_password_change_closes_all_endpoints_but_those_declared(ann):
    ann.must_change_password = True
    ann.save()
    browser = signed_in_browser(ann)

    def is_right(endpoint):
        let_in = endpoint.is_public or endpoint.is_open_during(RequiredAction.PASSWORD_CHANGE)
        # An empty form: with the right password in it, some of these redirect to the page for a new password.
        body = {} if let_in and not endpoint.is_api else None
        return is_refused(send(browser, endpoint, body=body), "password change", endpoint) != let_in

    tried = [
        endpoint for endpoint in SAMPLED if str(endpoint) != "GET account/password/"
    ]  # it redirects to that page itself
    assert wrong_endpoints(tried, is_right) == []


def test_with_both_actions_pending_the_password_change_comes_first(ann, mfa_required, api, sign_in):
    ann.must_change_password = True
    ann.save()
    first = {"Authorization": f"Bearer {sign_in()['access']}"}
    change = {"current_password": PASSWORD, "new_password": NEW_PASSWORD}
    assert api.post("/api/v1/auth/password/change/", change, headers=first).status_code == 204
    assert api.post("/api/v1/auth/2fa/setup/", {"password": NEW_PASSWORD}, headers=first).status_code == 200


# -- Re-authentication -------------------------------------------------------------------------------------------------------
def without_reauthentication(user):
    browser = signed_in_browser(user)
    Session.objects.update(reauthenticated_at=timezone.now() - timedelta(minutes=11))
    return browser


def test_reauthentication_is_required_exactly_where_declared(ann):
    enable_mfa(ann)
    browser = without_reauthentication(ann)
    closed = [endpoint for endpoint in SAMPLED if endpoint.address != "admin/login/"]

    def is_right(endpoint):
        return is_refused(send(browser, endpoint), "re-authentication", endpoint) == (endpoint in WITH_REAUTHENTICATION)

    assert wrong_endpoints(closed, is_right) == []


def test_re_authentication_lasts_ten_minutes(ann):
    enable_mfa(ann)
    browser = signed_in_browser(ann)

    def is_right(endpoint):
        return not is_refused(send(browser, endpoint), "re-authentication", endpoint)

    assert wrong_endpoints(WITH_REAUTHENTICATION, is_right) == []


def test_reauthentication_declared_as_always_is_needed_without_mfa(ann):
    always = endpoints(lambda endpoint: endpoint.reauthentication is Reauthentication.ALWAYS)
    browser = without_reauthentication(ann)

    def is_right(endpoint):
        return is_refused(send(browser, endpoint), "re-authentication", endpoint)

    assert wrong_endpoints(always, is_right) == []


# -- Permissions, staff and their MFA ------------------------------------------------------------------------
def test_a_missing_permission_is_named(user):
    browser = signed_in_browser(user)

    def is_right(endpoint):
        answer = send(browser, endpoint)
        if not endpoint.is_api:
            return answer.status_code == 403
        return answer.json()["code"] == "insufficient_permissions" and endpoint.access.permission in str(
            answer.json()["details"]
        )

    assert wrong_endpoints(GUARDED, is_right) == []


def test_the_declared_permission_is_enough(user, make_user, allow):
    for endpoint in GUARDED:
        allow(user, endpoint.access.permission)  # all of them; that each endpoint checks its own is the test above
    requester, owner = make_user("requester@example.com"), make_user("owner@example.com")
    MFAReset.objects.create(pk=int(NUMBER), user=owner, requested_by=requester)
    browser = signed_in_browser(user)

    def is_right(endpoint):
        return send(browser, endpoint).status_code not in {401, 403, 405, 500}

    assert wrong_endpoints(GUARDED, is_right) == []


def test_the_admin_is_open_to_staff_only(user):
    browser = signed_in_browser(user)
    assert wrong_endpoints(STAFF, lambda endpoint: is_refused(send(browser, endpoint), "sign-in", endpoint)) == []
    assert browser.get("/admin/login/").status_code == 403


def test_the_admin_needs_a_session_that_passed_mfa_where_required(ann, settings):
    settings.ADMIN_REQUIRE_2FA = True
    browser = signed_in_browser(ann)
    Session.objects.update(mfa_passed_at=None)
    assert wrong_endpoints(STAFF, lambda endpoint: is_refused(send(browser, endpoint), "sign-in", endpoint)) == []
    assert browser.get("/admin/login/").url.startswith("/account/totp/")
    enable_mfa(ann)
    assert browser.get("/admin/login/").url.startswith("/account/reauthenticate/")
    browser.post("/account/reauthenticate/", {"password": PASSWORD, "code": app_code(SECRET)})
    opened = [endpoint for endpoint in STAFF if endpoint in SAMPLED]
    assert wrong_endpoints(opened, lambda endpoint: not is_refused(send(browser, endpoint), "sign-in", endpoint)) == []

"""Trusted browsers skip MFA: for 30 days, one user and the MFA methods of that time."""

import json
from datetime import timedelta

import pytest
from django.conf import settings as configured
from django.test import Client as Browser
from django.utils import timezone

from accounts.models import BackupCode, Passkey, Session, TOTPDevice, TrustedBrowser, backup_codes
from accounts.tests.authenticator import Authenticator
from accounts.tests.authenticator_app import app_code
from conftest import PASSWORD

pytestmark = pytest.mark.django_db(transaction=True)
SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
NEW_PASSWORD = "Another-Grill-2027!"
COOKIE = configured.TRUSTED_BROWSER_COOKIE_NAME


@pytest.fixture
def ann(user):
    """Somebody with an app, a passkey and backup codes."""
    TOTPDevice.objects.create(user=user, secret=TOTPDevice.encrypt_secret(SECRET), confirmed_at=timezone.now())
    Passkey.objects.create(pk=7, user=user, name="Key", credential_id=b"1", public_key=b"1", sign_count=0)
    return user


def log_in(browser, email="ann@example.com", password=PASSWORD):
    return browser.post("/login/", {"email": email, "password": password}).url


def enter(remember):
    """A browser in which Ann signed in with both factors."""
    TOTPDevice.objects.update(last_step=0)
    browser = Browser()
    assert log_in(browser) == "/login/verify/"
    form = {"code": app_code(SECRET), "method": "totp", **({"remember_browser": "on"} if remember else {})}
    assert browser.post("/login/verify/", form).url == "/account/"
    return browser


@pytest.fixture
def remembered(ann):
    """A browser that is remembered, and signed out."""
    browser = enter(remember=True)
    browser.post("/logout/")
    return browser


def test_a_trusted_browser_skips_mfa_for_30_days(remembered):
    cookie = remembered.cookies[COOKIE]
    assert (cookie["httponly"], cookie["samesite"]) == (True, "Lax")
    assert TrustedBrowser.objects.get().expires_at - timezone.now() < timedelta(days=30)
    assert log_in(remembered) == "/account/"
    remembered.post("/logout/")
    TrustedBrowser.objects.update(expires_at=timezone.now())
    assert log_in(remembered) == "/login/verify/"


def test_a_browser_is_trusted_only_on_request(ann):
    browser = enter(remember=False)
    browser.post("/logout/")
    assert log_in(browser) == "/login/verify/"


def test_a_trusted_browser_belongs_to_one_user(remembered, make_user):
    bob = make_user("bob@example.com")
    TOTPDevice.objects.create(user=bob, secret=TOTPDevice.encrypt_secret(SECRET), confirmed_at=timezone.now())
    assert log_in(remembered, bob.email) == "/login/verify/"


@pytest.mark.parametrize("forge", [str.swapcase, lambda value: value[:-1], lambda value: "x", lambda value: value[1:]])
def test_a_cookie_that_was_touched_is_worth_nothing(remembered, forge):
    remembered.cookies[COOKIE] = forge(remembered.cookies[COOKIE].value)
    assert log_in(remembered) == "/login/verify/"


def test_a_trusted_browser_skips_mfa_but_no_re_authentication(remembered):
    log_in(remembered)
    assert remembered.get("/account/totp/disable/").url.startswith("/account/reauthenticate/")


def change_password(browser, api, ann, link_token):
    change = {"current_password": PASSWORD, "new_password": NEW_PASSWORD}
    assert browser.post("/account/password/", change).status_code == 302


def reset_password(browser, api, ann, link_token):
    browser.post("/password/forgot/", {"email": ann.email})
    token = link_token("/password/reset/")
    assert api.post("/api/v1/auth/password/reset/", {"token": token, "password": NEW_PASSWORD}).status_code == 204


def switch_off_and_on(browser, api, ann, link_token):
    browser.post("/account/totp/disable/")
    TOTPDevice.objects.create(user=ann, secret=TOTPDevice.encrypt_secret(SECRET), confirmed_at=timezone.now())


def remove_a_passkey(browser, api, ann, link_token):
    assert browser.post("/account/passkeys/7/remove/").status_code == 302
    assert not Passkey.objects.exists()


def add_a_passkey(browser, api, ann, link_token):
    page = browser.get("/account/passkeys/")
    credential = json.dumps(Authenticator().create(page.context["passkey_options"]))
    form = {"challenge": page.context["challenge"], "credential": credential, "name": "New"}
    browser.post("/account/passkeys/", form)
    assert Passkey.objects.count() == 2


CHANGES = [change_password, reset_password, switch_off_and_on, remove_a_passkey, add_a_passkey]


@pytest.mark.parametrize("change", CHANGES)
def test_a_security_change_ends_the_trust_in_other_browsers(remembered, api, ann, link_token, change):
    change(enter(remember=False), api, ann, link_token)
    ann.refresh_from_db()
    password = NEW_PASSWORD if ann.check_password(NEW_PASSWORD) else PASSWORD
    assert log_in(remembered, password=password) == "/login/verify/"


def test_the_browser_that_changes_the_password_stays_remembered(ann, api, link_token):
    browser = enter(remember=True)
    change_password(browser, api, ann, link_token)
    browser.post("/logout/")
    assert log_in(browser, password=NEW_PASSWORD) == "/account/"


def test_new_backup_codes_change_no_lock(remembered, ann):
    enter(remember=False).post("/account/backup-codes/")
    assert log_in(remembered) == "/account/"


def test_a_trusted_browser_is_listed_and_forgotten_over_the_api(remembered, api, ann):
    challenge = api.post("/api/v1/auth/login/", {"email": ann.email, "password": PASSWORD}).json()["challenge"]
    TOTPDevice.objects.update(last_step=0)
    answer = {"challenge": challenge, "method": "totp", "code": app_code(SECRET)}
    token = {"Authorization": f"Bearer {api.post('/api/v1/auth/login/verify/', answer).json()['access']}"}
    (listed,) = api.get("/api/v1/auth/2fa/browsers/", headers=token).json()["results"]
    assert api.delete(f"/api/v1/auth/2fa/browsers/{listed['id']}/", headers=token).status_code == 204
    assert log_in(remembered) == "/login/verify/"


# -- The admin requires MFA, by any method ------------------------------------------------------
@pytest.fixture
def staff(ann, settings):
    """Ann is staff, and the admin requires MFA, as by default."""
    settings.ADMIN_REQUIRE_2FA = True
    ann.is_staff = True
    ann.save()
    return ann


def opens(browser):
    """Whether the admin opens; otherwise it redirects to sign-in or MFA."""
    return browser.get("/admin/").status_code == 200


def test_a_code_opens_the_admin(staff):
    assert opens(enter(remember=False))


def test_a_backup_code_opens_the_admin(staff):
    (code,) = backup_codes.generate_codes()[:1]
    BackupCode.objects.create(user=staff, hash=backup_codes.hash_codes([code])[0])
    browser = Browser()
    log_in(browser)
    browser.post("/login/verify/?method=backup_code", {"code": code, "method": "backup_code"})
    assert opens(browser)


def test_a_remembered_browser_opens_the_admin(staff, remembered):
    log_in(remembered)
    assert opens(remembered)


def test_a_session_from_before_mfa_does_not_open_the_admin(staff):
    browser = Browser()
    browser.force_login(staff)
    Session.objects.update(mfa_passed_at=None)
    assert browser.get("/admin/", follow=True).redirect_chain[-1][0].startswith("/account/reauthenticate/")
    assert not opens(browser)


def test_sign_in_leads_back_to_the_requested_admin_page_only(staff):
    browser = Browser()
    challenge = browser.get("/admin/accounts/user/?q=bob", follow=True).redirect_chain[-1][0]
    assert challenge == "/login/?next=/admin/accounts/user/%3Fq%3Dbob"
    browser.post("/login/", {"email": staff.email, "password": PASSWORD, "next": "/admin/accounts/user/?q=bob"})
    done = browser.post("/login/verify/", {"code": app_code(SECRET), "method": "totp"})
    assert done.url == "/admin/accounts/user/?q=bob"
    for foreign in ("https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)"):
        assert browser.get("/admin/login/", {"next": foreign}).url == "/admin/"

"""axe-core finds nothing on any page: light and dark, left to right and right to left, wide and narrow."""

import pytest
from django.utils import timezone

from accounts.models import BackupCode, Passkey, TOTPDevice
from accounts.services.one_time import tokens
from accounts.states import TokenPurpose
from accounts.tests.authenticator_app import app_code
from accounts.tests.browser.looking import each_look, look_at, sign_in, submit, violations

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
OPEN = ["/login/", "/register/", "/password/forgot/", "/password/reset/wrong/", "/email/verify/wrong/", "/nowhere/",
        "/account/not-me/wrong/", "/account/email/confirm/wrong/", "/account/email/undo/wrong/", "/unsubscribe/wrong/"]  # fmt: skip
OWN = ["/account/", "/account/security/", "/account/sessions/", "/account/preferences/", "/account/totp/",
       "/account/passkeys/", "/account/reauthenticate/"]  # fmt: skip


@each_look
def test_no_page_has_an_accessibility_violation(opened, user, language, width):
    page = opened(language, width)
    reset, report = tokens.issue(user, TokenPurpose.RESET_PASSWORD), tokens.issue_report_token(user)
    problems = look_at(page, [*OPEN, f"/password/reset/{reset}/", f"/account/not-me/{report}/"])
    page.goto("/register/")
    submit(page)
    problems += violations(page)  # with errors beside the fields
    sign_in(page, user)
    problems += look_at(page, OWN)
    page.goto("/account/totp/")
    page.locator("#id_code").fill(app_code("".join(page.locator(".secret span").all_text_contents())))
    submit(page)
    problems += violations(page)  # the backup codes
    problems += look_at(page, ["/account/security/", "/account/backup-codes/", "/account/totp/disable/"])
    page.locator(".sign-out button").click()
    sign_in(page, user)
    problems += violations(page)  # the second step
    problems += look_at(page, ["/login/verify/?method=backup_code"])
    submit(page)
    problems += violations(page)
    assert not problems


@each_look
def test_two_factor_authentication_is_accessible_at_sign_in(opened, user, language, width):
    user.phone, user.phone_verified_at = "+491701234567", timezone.now()
    page = opened(language, width)
    TOTPDevice.objects.create(user=user, secret=TOTPDevice.encrypt_secret(SECRET), confirmed_at=timezone.now())
    Passkey.objects.create(user=user, name="Key", credential_id=b"1", public_key=b"1", sign_count=0)
    BackupCode.objects.create(user=user, hash="x")
    sign_in(page, user)
    problems = look_at(page, [f"/login/verify/?method={way}" for way in ("totp", "backup_code", "passkey", "sms")])
    submit(page)
    problems += violations(page)  # the text is on its way
    page.goto("/login/verify/?method=totp")
    page.locator("#id_code").fill(app_code(SECRET))
    submit(page)
    edit = f"/account/passkeys/{user.passkeys.get().pk}/"
    problems += look_at(
        page, ["/account/security/", "/account/reauthenticate/", "/account/backup-codes/", edit, "/account/"]
    )
    page.locator("#phone_phone").fill("+49 170 7654321")
    with page.expect_navigation():
        page.locator("#phone button.button").click()
    assert page.url.endswith("/account/phone/verify/")
    assert not problems + violations(page)


@each_look
def test_pages_behind_links_in_emails_are_accessible(opened, user, make_user, language, width):
    page = opened(language, width)
    bob = make_user("bob@example.com", email_verified_at=None, language=user.language)
    change = {"old_email": "ann@old.example", "new_email": "ann@new.example"}
    issue = tokens.issue
    links = [
        f"/email/verify/{issue(bob, TokenPurpose.VERIFY_EMAIL)}/",
        f"/account/email/confirm/{issue(user, TokenPurpose.CHANGE_EMAIL, data=change)}/",
        f"/account/email/undo/{issue(user, TokenPurpose.UNDO_EMAIL, data=change)}/",
        f"/account/not-me/{tokens.issue_report_token(user)}/",
    ]
    problems = []
    for link in links:
        page.goto(link)
        problems += violations(page)
        with page.expect_navigation():
            page.locator("main form button[type=submit]").first.click()
        problems += violations(page)
    page.goto("/password/forgot/")
    page.locator("#id_email").fill("ann@example.com")
    submit(page)
    assert not problems + violations(page)

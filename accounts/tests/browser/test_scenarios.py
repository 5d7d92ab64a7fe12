"""User scenarios in Chromium: by keyboard alone, and without JavaScript except for passkeys."""

import pytest
import zxingcpp
from django.utils import timezone
from PIL import Image

from accounts import signals
from accounts.models import TOTPDevice
from accounts.tests.authenticator_app import app_code
from conftest import PASSWORD

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
NEW_PASSWORD = "Another-Grill-2027!"
SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
scripts = pytest.mark.parametrize("javascript", [True, False], ids=["with JavaScript", "without JavaScript"])


def type_in(page, label, text):
    """Reach a field with the Tab key, and type."""
    reach(page, page.get_by_label(label, exact=True))
    page.keyboard.type(text)


def reach(page, target):
    """Press Tab until `target` has the focus: what a keyboard cannot reach fails here."""
    for _ in range(60):
        if target.evaluate("element => element === document.activeElement"):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"the keyboard does not reach {target}")


def press(page, name, role="button"):
    reach(page, page.get_by_role(role, name=name, exact=True).first)
    with page.expect_navigation():
        page.keyboard.press("Enter")


def sign_in(page, password=PASSWORD):
    page.goto("/login/")
    type_in(page, "E-mail address", "ann@example.com")
    type_in(page, "Password", password)
    press(page, "Sign in")


def second_step(page, code):
    type_in(page, "Code", code)
    press(page, "Confirm")


def heading(page):
    return page.locator("h1").inner_text()


@scripts
def test_from_registration_to_backup_codes_by_keyboard(open_browser, link_token, tmp_path, javascript):
    page = open_browser(java_script_enabled=javascript)
    page.goto("/register/")
    type_in(page, "E-mail address", "ann@example.com")
    type_in(page, "Password", "short")
    press(page, "Create an account")
    assert page.get_by_label("Password", exact=True).get_attribute("aria-invalid") == "true"
    assert page.evaluate("document.activeElement.hasAttribute('data-error-summary')")
    type_in(page, "Password", PASSWORD)
    press(page, "Create an account")
    assert heading(page) == "Check your mail"

    page.goto(f"/email/verify/{link_token('/email/verify/')}/")
    press(page, "Confirm my address")
    assert page.url.endswith("/account/"), "the browser that registered is signed in"

    page.goto("/account/security/")
    press(page, "Set up", role="link")
    type_in(page, "Password", PASSWORD)
    press(page, "Continue")
    secret = "".join(page.locator(".secret span").all_text_contents())
    if javascript:
        page.locator(".qr").screenshot(path=tmp_path / "qr.png")
        with Image.open(tmp_path / "qr.png") as picture:
            [read] = zxingcpp.read_barcodes(picture)
        assert f"secret={secret}" in read.text
    type_in(page, "Code", "000000")
    press(page, "Turn it on")
    type_in(page, "Code", app_code(secret, -1))
    press(page, "Turn it on")
    codes = page.locator("[data-codes] li").all_text_contents()
    assert len(set(codes)) == 10
    press(page, "I've saved my codes", role="link")
    press(page, "Sign out")

    sign_in(page)
    second_step(page, "000000")
    assert "wrong or has expired" in page.locator(".error").first.inner_text()
    page.get_by_label("Code", exact=True).fill("")
    code = app_code(secret)
    second_step(page, code)
    assert page.url.endswith("/account/")
    press(page, "Sign out")
    sign_in(page)
    second_step(page, code)
    assert "/login/verify/" in page.url, "a code serves once"
    press(page, "One of your backup codes", role="link")
    type_in(page, "Backup code", codes[0])
    press(page, "Confirm")
    assert page.url.endswith("/account/")
    press(page, "Sign out")
    sign_in(page)
    press(page, "One of your backup codes", role="link")
    type_in(page, "Backup code", codes[0])
    press(page, "Confirm")
    assert "/login/verify/" in page.url, "a backup code serves once"


@scripts
def test_forgot_reset_and_a_session_ended_from_another_browser(open_browser, user, link_token, javascript):
    page = open_browser(java_script_enabled=javascript)
    page.goto("/password/forgot/")
    type_in(page, "E-mail address", user.email)
    press(page, "Mail me a link")
    page.goto(f"/password/reset/{link_token('/password/reset/')}/")
    type_in(page, "New password", NEW_PASSWORD)
    press(page, "Save the password")
    assert heading(page) == "Your new password is saved"
    sign_in(page, NEW_PASSWORD)

    other = open_browser(java_script_enabled=javascript)
    sign_in(other, NEW_PASSWORD)
    other.goto("/account/sessions/")
    press(other, other.locator(".things button").first.inner_text())
    assert "That session is ended." in other.locator(".messages").inner_text()
    page.goto("/account/")
    assert "/login/" in page.url


@pytest.fixture
def sms_codes():
    """The codes that were sent by SMS."""
    codes = []

    def keep(code, **kwargs):
        codes.append(code)

    announced = (signals.sms_code_requested, signals.phone_code_requested)
    for signal in announced:
        signal.connect(keep)
    yield codes
    for signal in announced:
        signal.disconnect(keep)


@scripts
def test_sms_codes_remembered_browsers_and_mfa_off_work_by_keyboard(open_browser, user, sms_codes, javascript):
    page = open_browser(java_script_enabled=javascript)
    sign_in(page)
    type_in(page, "New number", "+49 170 1234567")
    press(page, "Text me a code")
    type_in(page, "Code", sms_codes[-1])
    press(page, "Confirm")
    assert "Your phone is confirmed." in page.locator(".messages").inner_text()
    TOTPDevice.objects.create(user=user, secret=TOTPDevice.encrypt_secret(SECRET), confirmed_at=timezone.now())
    press(page, "Sign out")

    sign_in(page)
    press(page, "Code by text message", role="link")
    press(page, "Text me a code")
    type_in(page, "Code", sms_codes[-1])
    reach(page, page.get_by_label("Remember this browser for 30 days"))
    page.keyboard.press("Space")
    press(page, "Confirm")
    press(page, "Sign out")
    sign_in(page)
    assert page.url.endswith("/account/"), "a trusted browser skips MFA"

    press(page, "Security", role="link")
    press(page, f"Forget {page.locator('#browsers .thing-title bdi').inner_text()}")
    assert "Removed." in page.locator(".messages").inner_text()
    press(page, "New backup codes", role="link")
    press(page, "Make 10 new codes")
    assert heading(page) == "Confirm it's you"
    type_in(page, "Password", PASSWORD)
    type_in(page, "Code", app_code(SECRET))
    press(page, "Continue")
    press(page, "Make 10 new codes")
    assert page.locator("[data-codes] li").count() == 10
    press(page, "I've saved my codes", role="link")
    press(page, "Turn off", role="link")
    press(page, page.locator("main form button[type=submit]").first.inner_text())
    assert "Two-factor authentication is off." in page.locator(".messages").inner_text()
    press(page, "Sign out")
    sign_in(page)
    assert page.url.endswith("/account/")


@pytest.fixture
def passkey_device():
    """Give a page a virtual authenticator, which says yes to everything at once."""

    def give(page):
        devtools = page.context.new_cdp_session(page)
        devtools.send("WebAuthn.enable")
        options = {
            "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
            "isUserVerified": True, "automaticPresenceSimulation": True,
        }  # fmt: skip
        devtools.send("WebAuthn.addVirtualAuthenticator", {"options": options})

    return give


def test_a_passkey_is_made_and_opens_the_account_alone(open_browser, user, passkey_device):
    page = open_browser()
    passkey_device(page)
    sign_in(page)
    page.goto("/account/passkeys/")
    reach(page, page.get_by_label("Use this passkey instead of my password"))
    page.keyboard.press("Space")
    reach(page, page.get_by_role("button", name="Continue"))
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Save your backup codes").wait_for()
    assert user.passkeys.get().passwordless
    page.goto("/account/")
    press(page, "Sign out")

    page.wait_for_url(
        "**/account/"
    )  # chosen from the list at the e-mail field, as the virtual authenticator does at once

    page.add_init_script("PublicKeyCredential.isConditionalMediationAvailable = async () => false")
    press(page, "Sign out")
    reach(page, page.get_by_role("button", name="Sign in with a passkey"))
    page.keyboard.press("Enter")
    page.wait_for_url("**/account/")
    press(page, "Sign out")
    sign_in(page)
    assert heading(page) == "Verify it's you"
    reach(page, page.get_by_role("button", name="Use your passkey"))
    page.keyboard.press("Enter")
    page.wait_for_url("**/account/")


def test_a_passkey_that_needs_the_password_loses_nothing_that_was_typed(open_browser, user, passkey_device):
    page = open_browser()
    passkey_device(page)
    sign_in(page)
    page.goto("/account/passkeys/")
    reach(page, page.get_by_role("button", name="Continue"))
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Save your backup codes").wait_for()
    page.goto("/account/")
    press(page, "Sign out")
    page.get_by_text("This passkey isn't linked to an account here.").wait_for()
    page.get_by_label("E-mail address").fill("ann@example.com")
    assert page.get_by_label("E-mail address").input_value() == "ann@example.com"
    assert page.url.endswith("/login/")


def test_the_code_has_the_focus_times_are_local_and_rules_are_ticked(open_browser, user):
    page = open_browser(timezone_id="Asia/Tokyo")
    page.goto("/register/")
    page.get_by_label("Password", exact=True).fill("longer-than-8")
    assert page.locator("[data-rule=length]").get_attribute("class") == "is-met"
    assert "is-met" not in (page.locator("[data-rule=kinds]").get_attribute("class") or "")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    assert page.locator("[data-rule=kinds]").get_attribute("class") == "is-met"

    sign_in(page)
    page.goto("/account/security/")
    shown = page.locator("#activity time").first
    assert shown.get_attribute("title").endswith("UTC")
    in_tokyo = page.evaluate(
        "time => new Date(time).toLocaleString('en', {dateStyle: 'medium', timeStyle: 'short', timeZone: 'Asia/Tokyo'})",
        shown.get_attribute("datetime"),
    )
    assert shown.inner_text() == in_tokyo

    TOTPDevice.objects.create(user=user, secret=TOTPDevice.encrypt_secret(SECRET), confirmed_at=timezone.now())
    press(page, "Sign out")
    sign_in(page)
    assert page.evaluate("document.activeElement.name") == "code"

"""axe-core finds nothing on any page: light and dark, left to right and right to left, wide and narrow."""

import pytest
from axe_playwright_python.sync_playwright import Axe

from accounts.services import not_me, one_time_tokens
from accounts.states import TokenPurpose
from accounts.tests.authenticator_app import oathtool
from conftest import PASSWORD

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
OPEN = ["/login/", "/register/", "/password/forgot/", "/password/reset/wrong/", "/email/verify/wrong/", "/nowhere/",
        "/account/not-me/wrong/", "/account/email/confirm/wrong/", "/account/email/undo/wrong/", "/unsubscribe/wrong/"]  # fmt: skip
OWN = ["/account/", "/account/security/", "/account/sessions/", "/account/preferences/", "/account/totp/",
       "/account/passkeys/", "/account/sudo/"]  # fmt: skip


def violations(page):
    found = Axe().run(page).response["violations"]
    overflows = page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
    problems = [(page.url, rule["id"], node["html"][:160]) for rule in found for node in rule["nodes"]]
    return problems + ([(page.url, "scrolls sideways", "")] if overflows else [])


def look_at(page, paths):
    problems = []
    for path in paths:
        page.goto(path)
        problems += violations(page)
    return problems


def sign_in(page, user):
    page.goto("/login/")
    page.locator("#id_email").fill(user.email)
    page.locator("#id_password").fill(PASSWORD)
    submit(page)


def submit(page):
    with page.expect_navigation():
        page.locator("form.form button[type=submit]").first.click()


@pytest.mark.parametrize(
    ("language", "theme", "width"),
    [("en-GB", "light", 1280), ("en-GB", "dark", 390), ("ar", "light", 390), ("ar", "dark", 1280)],
    ids=["English, light, wide", "English, dark, phone", "Arabic, light, phone", "Arabic, dark, wide"],
)
def test_no_page_has_an_accessibility_violation(open_browser, user, language, theme, width):
    user.language = language[:2]
    user.save()
    page = open_browser(locale=language, color_scheme=theme, viewport={"width": width, "height": 900})
    reset, report = one_time_tokens.issue(user, TokenPurpose.RESET_PASSWORD), not_me.issue(user)
    problems = look_at(page, [*OPEN, f"/password/reset/{reset}/", f"/account/not-me/{report}/"])
    page.goto("/register/")
    submit(page)
    problems += violations(page)  # with errors beside the fields
    sign_in(page, user)
    problems += look_at(page, OWN)
    page.goto("/account/totp/")
    page.locator("#id_code").fill(oathtool("".join(page.locator(".secret span").all_text_contents())))
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

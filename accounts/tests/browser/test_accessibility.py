"""axe-core finds nothing on any page: light and dark, left to right and right to left, wide and narrow."""

import pytest
from axe_playwright_python.sync_playwright import Axe

from accounts.services import not_me, one_time_tokens
from accounts.states import TokenPurpose
from conftest import PASSWORD

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
OPEN = ["/login/", "/register/", "/password/forgot/", "/password/reset/wrong/", "/email/verify/wrong/", "/nowhere/",
        "/account/not-me/wrong/", "/account/email/confirm/wrong/", "/account/email/undo/wrong/", "/unsubscribe/wrong/"]  # fmt: skip
OWN = ["/account/", "/account/security/", "/account/sessions/", "/account/preferences/", "/account/totp/",
       "/account/passkeys/", "/account/totp/disable/", "/account/sudo/"]  # fmt: skip


def violations(page):
    found = Axe().run(page).response["violations"]
    overflows = page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
    problems = [(page.url, rule["id"], node["html"][:160]) for rule in found for node in rule["nodes"]]
    return problems + ([(page.url, "scrolls sideways", "")] if overflows else [])


@pytest.mark.parametrize(
    ("language", "theme", "width"),
    [("en-GB", "light", 1280), ("ar", "dark", 390)],
    ids=["English, light, wide", "Arabic, dark, phone"],
)
def test_no_page_has_an_accessibility_violation(open_browser, user, language, theme, width):
    user.language = language[:2]
    user.save()
    page = open_browser(locale=language, color_scheme=theme, viewport={"width": width, "height": 900})
    tokens = [f"/password/reset/{one_time_tokens.issue(user, TokenPurpose.RESET_PASSWORD)}/",
              f"/account/not-me/{not_me.issue(user)}/"]  # fmt: skip
    problems = []
    for path in [*OPEN, *tokens]:
        page.goto(path)
        problems += violations(page)
    page.goto("/login/")
    page.locator("form.form button").first.click()
    problems += violations(page)
    page.locator("#id_email").fill(user.email)
    page.locator("#id_password").fill(PASSWORD)
    page.locator("form.form button[type=submit]").first.click()
    page.wait_for_url("**/account/")
    for path in OWN:
        page.goto(path)
        problems += violations(page)
    assert not problems

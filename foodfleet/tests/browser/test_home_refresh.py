"""The home page of the admin brings its figures up to date, without taking the focus, and until somebody stops it."""

import pytest

from foodfleet.tests.browser.test_admin import open_admin
from notifications.tests.admin.rows import failed

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
FIGURE = ".figures div:has-text('Failed, can be sent again') dd"
OLDER = "[data-older]"


def later(page):
    """Let a minute and a bit pass; the answer is there when the network is idle."""
    with page.expect_response("**/admin/figures/"):
        page.clock.run_for(76_000)
    page.wait_for_load_state("networkidle")


def test_figures_are_read_again_and_a_used_card_stays(opened, settings, user):
    page = open_admin(opened, settings, user)
    page.clock.install()
    page.goto("/admin/")
    failed()
    page.evaluate("document.querySelectorAll('#figures > *').forEach(card => { card.dataset.older = '' })")
    page.locator("#figures > .is-wide summary").first.click()
    page.locator(FIGURE).locator("text='0'").wait_for()
    later(page)
    page.locator(FIGURE).locator("text='1'").wait_for()
    assert page.locator(OLDER).count() == 1  # that with the open table
    assert page.evaluate("document.activeElement.tagName") == "SUMMARY"


def test_the_refresh_is_switched_off_and_ends_with_the_session(opened, settings, user):
    page = open_admin(opened, settings, user)
    page.clock.install()
    page.goto("/admin/")
    page.locator("#refresh").uncheck()
    page.goto("/admin/")
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.clock.run_for(200_000)
    assert not [url for url in asked if "figures" in url]
    page.locator("#refresh").check()
    page.context.clear_cookies()
    with page.expect_navigation(url="**/login/**"):
        page.clock.run_for(76_000)

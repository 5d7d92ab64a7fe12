"""axe-core finds nothing on shared pages: errors, the mailbox, unsubscribing."""

import pytest

from accounts.tests.browser.looking import each_look, look_at, submit, violations
from notifications.gateways import mailbox
from notifications.services.audience import preferences
from notifications.states import Kind

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@each_look
def test_no_error_page_has_an_accessibility_violation(opened, settings, language, width):
    settings.ROOT_URLCONF = "foodfleet.tests.trouble_urls"
    page = opened(language, width)
    problems = look_at(page, [f"/trouble/{status}/" for status in (400, 403, 429, 500, 503)])
    page.goto("/login/")
    page.context.clear_cookies()
    submit(page)  # without its cookie the form is not believed
    assert not problems + violations(page)


@each_look
def test_the_mailbox_has_no_accessibility_violation(opened, settings, language, width):
    settings.ROOT_URLCONF = "foodfleet.tests.development_urls"
    page = opened(language, width)
    problems = look_at(page, ["/dev/mailbox/"])
    mailbox.save(channel="email", to=["ann@example.com"], subject="Hello", text="Hello", html="<p>Hello</p>")
    mailbox.save(channel="sms", to=["+491701234567"], subject="", text="Your code is 123456")
    assert not problems + look_at(page, ["/dev/mailbox/"])


@each_look
def test_unsubscribing_has_no_accessibility_violation(opened, site, user, language, width):
    page = opened(language, width)
    page.goto(preferences.unsubscribe_link(user, Kind.MARKETING))
    problems = violations(page)
    with page.expect_navigation():
        page.locator("main form button[type=submit]").first.click()
    assert not problems + violations(page)

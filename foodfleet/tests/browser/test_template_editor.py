"""The editors of templates in Chromium: they preview while somebody writes, under the Content-Security-Policy."""

import pytest
from django.urls import reverse

from accounts.tests.browser.looking import violations
from foodfleet.tests.browser.test_admin import open_admin
from notifications.models import SmsTemplate

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.mark.parametrize("language", ["en-GB", "ar"])
def test_an_sms_and_an_email_are_previewed_while_written(opened, settings, user, language):
    page = open_admin(opened, settings, user, language)
    refused = []
    page.on("console", lambda message: refused.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: refused.append(str(error)))
    template = SmsTemplate.objects.create(name="lunch", content="Lunch {{what}}", translations={"de": "Mittag"})
    page.goto(reverse("admin:notifications_smstemplate_change", args=[template.pk]))
    page.locator("#id_content").fill("Come,  now")
    page.locator("#id_content").evaluate("field => field.setSelectionRange(5, 5)")
    page.locator("[data-insert]").first.click()
    assert page.locator("#id_content").input_value() == "Come,{{what}}  now"
    page.locator(".sms-bubble", has_text="Come,what  now").wait_for()
    page.locator("[role=tab]").nth(1).click()
    page.locator("[role=tabpanel]:visible textarea").fill("Almuerzo")
    page.locator(".sms-bubble", has_text="Almuerzo").wait_for()
    assert page.locator(".translation-source .preview-text").inner_text() == "Come,{{what}}  now"
    problems = violations(page)
    page.goto(reverse("admin:notifications_emailoverride_add", query={"template": "welcome", "language": "de"}))
    page.locator("#id_subject").fill("Neues Thema")
    page.locator("#template-preview strong", has_text="Neues Thema").wait_for()
    page.frame_locator("iframe[name=email-preview]").locator("h1", has_text="Neues Thema").wait_for()
    assert not problems + violations(page) + refused

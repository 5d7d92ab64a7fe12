"""The editors of templates in Chromium: they preview while somebody writes, under the Content-Security-Policy."""

import pytest
from django.urls import reverse

from accounts.tests.browser.looking import violations
from foodfleet.tests.browser.test_admin import open_admin
from notifications.models import EmailOverride, SmsTemplate

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
    problems += violations(page)
    page.goto(reverse("admin:notifications_emailoverride_languages", args=["welcome"]))
    page.locator("[role=tab]").nth(3).click()
    page.locator("#id_fr-subject").fill("Bonjour ")
    page.locator("[data-insert]").last.click()
    assert page.locator("#id_fr-subject").input_value() == "Bonjour {{ first_name }}"
    page.locator("[data-prefix=fr-] strong", has_text="Bonjour Ann").wait_for()
    page.frame_locator("iframe[name=sent-fr]").locator("h1", has_text="Bonjour Ann").wait_for()
    page.locator("[role=tab]").nth(0).click()
    page.locator("#id_en-text").fill("Hello {{ link }}")
    assert page.locator("[data-source=id_en-text]").inner_text() == "Hello {{ link }}"
    problems += violations(page)
    with page.expect_navigation():
        page.locator("[name=_save]").click()
    assert set(EmailOverride.objects.values_list("language", flat=True)) == {"en", "fr"}
    page.goto(reverse("admin:notifications_emailoverride_emails"))
    assert not problems + violations(page) + refused


def test_a_variable_goes_into_the_language_that_is_shown(opened, settings, user):
    page = open_admin(opened, settings, user, "en-GB")
    page.goto(reverse("admin:notifications_emailoverride_languages", args=["welcome"]))
    fields = {code: page.locator(f"#id_{code}-html") for code in ("en", "de", "fr")}
    before = {code: field.input_value() for code, field in fields.items()}
    page.locator("[data-insert]").last.click()  # no field has had the focus, and German is shown
    page.locator("[role=tab]").nth(3).click()
    page.locator("[data-insert]").last.click()
    assert {code for code, field in fields.items() if field.input_value() != before[code]} == {"de", "fr"}

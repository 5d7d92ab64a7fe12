"""The editors of templates: previews of drafts, variables, languages."""

import pytest
from django.urls import reverse

from notifications.models import EmailOverride, Message, MessageEvent, SmsTemplate
from notifications.services.templates import overrides
from notifications.tests.admin.rows import EMAIL

pytestmark = pytest.mark.django_db


def path(name, *args):
    return reverse(f"admin:notifications_{name}", args=args)


def preview(client, name, data, *args):
    return client.post(path(name, *args), data, headers={"X-Requested-With": "fetch"})


def test_a_draft_of_an_sms_is_previewed_in_each_language_and_not_saved(boss):
    template = SmsTemplate.objects.get(name="2fa_code")
    priced = Message.objects.create(channel="sms", to=["+491"])
    MessageEvent.objects.create(message=priced, type="delivered", details={"price_in_usd": "0.0812"})
    draft = {"content": "New {{code}}", "translations_de": "Neu {{code}} ç", "examples_code": "777"}
    shown = preview(boss, "smstemplate_preview", draft, template.pk).content.decode()
    assert "<html" not in shown
    assert "New 777" in shown
    assert "GSM-7 · 1 segment · 153 characters left" in shown
    assert "Neu 777 ç" in shown
    assert "UCS-2 · 1 segment · 61 characters left" in shown
    assert "0.0812 US dollars" in shown
    wrong = preview(boss, "smstemplate_preview", {**draft, "translations_de": "Neu {{cdoe}}"}, template.pk)
    assert "These variables do not exist: cdoe." in wrong.content.decode()
    template.refresh_from_db()
    assert (template.content, template.version) == ("Your verification code is: {{code}}", 1)


def test_without_script_the_preview_of_a_new_sms_is_a_page(boss):
    page = boss.post(path("smstemplate_preview_new"), {"name": "lunch", "content": "<b>Lunch</b>"})
    assert "&lt;b&gt;Lunch&lt;/b&gt;" in page.content.decode()
    assert "<html" in page.content.decode()
    assert not SmsTemplate.objects.filter(name="lunch").exists()


def test_a_draft_of_an_email_is_framed_without_scripts_or_an_origin(boss):
    frame = boss.post(path("emailoverride_draft_frame_new"), EMAIL)
    assert 'href="https://foodfleet.example/account/"' in frame.content.decode()
    assert {"script-src 'none'", "sandbox"} <= set(frame["Content-Security-Policy"].split("; "))
    assert "Hi Ann" in preview(boss, "emailoverride_preview_new", EMAIL).content.decode()
    attack = {**EMAIL, "html": EMAIL["html"] + "<script>alert(1)</script>"}
    refused = boss.post(path("emailoverride_draft_frame_new"), attack)
    assert refused["Content-Type"].startswith("text/plain")
    assert "This is not allowed" in refused.content.decode()
    assert "This is not allowed" in preview(boss, "emailoverride_preview_new", attack).content.decode()
    assert not EmailOverride.objects.exists()


def test_a_draft_keeps_the_email_and_language_of_its_override(boss):
    saved = overrides.save(override=EmailOverride(language="ar", **EMAIL), by=None)
    forged = {**EMAIL, "template": "password_reset", "language": "de", "subject": "Now {{ first_name }}"}
    shown = preview(boss, "emailoverride_preview", forged, saved.pk).content.decode()
    assert 'lang="ar" dir="rtl"' in shown
    assert "https://foodfleet.example/account/" in shown  # the link of `welcome`
    assert "Now Ann" in shown


@pytest.mark.parametrize("granted", [(), ("sms_templates:read", "email_templates:read")])
def test_previews_of_drafts_are_for_those_who_may_save_them(client, make_user, allow, settings, granted):
    settings.ADMIN_REQUIRE_2FA = False
    reader = make_user("reader@example.com", is_staff=True)
    allow(reader, *granted)
    client.force_login(reader)
    template = SmsTemplate.objects.get(name="2fa_code")
    override = overrides.save(override=EmailOverride(**EMAIL), by=None)
    requests = [("smstemplate_preview", template.pk), ("emailoverride_preview", override.pk)]
    requests += [
        ("emailoverride_draft_frame", override.pk),
        ("smstemplate_preview_new",),
        ("emailoverride_preview_new",),
    ]
    for name, *args in requests:
        assert client.post(path(name, *args), EMAIL).status_code == 403
    if granted:
        page = client.get(path("smstemplate_change", template.pk)).content.decode()
        assert "Your verification code is: 123456" in page
        assert "data-preview" not in page
        assert "data-insert" not in page


def test_the_name_of_a_product_template_is_not_a_field(boss):
    template = SmsTemplate.objects.get(name="2fa_code")
    data = {"name": "other", "content": "Now {{code}}", "is_active": "on"}
    assert boss.post(path("smstemplate_change", template.pk), data).status_code == 302
    template.refresh_from_db()
    assert (template.name, template.content) == ("2fa_code", "Now {{code}}")


def test_the_form_of_an_override_shows_each_language_and_the_source(boss):
    overrides.save(override=EmailOverride(language="de", **EMAIL), by=None)
    common = overrides.save(override=EmailOverride(**{**EMAIL, "subject": "For all"}), by=None)
    shown = boss.get(path("emailoverride_change", common.pk)).context
    states = {one.code: (str(one.state), one.override is not None) for one in shown["email_languages"]}
    assert states["de"] == ("Own text, version 1", True)
    assert states["fr"] == ("Inherits the override for all languages", False)
    assert shown["email_source"].subject == "For all"
    started = boss.get(path("emailoverride_add"), {"template": "verify_email", "language": "fr"}).context
    assert {one.override is not None for one in started["email_languages"]} == {False}


def test_two_versions_are_compared_word_by_word(boss):
    template = SmsTemplate.objects.get(name="2fa_code")
    for content in ("Your code is: {{code}}", "Your code: {{code}}\nKeep it"):
        boss.post(path("smstemplate_change", template.pk), {"content": content, "is_active": "on"})
    page = boss.get(path("smstemplate_versions", template.pk), {"from": "2", "to": "3"})
    ((name, lines),) = page.context["compared_changes"]
    marked = [(line.mark, [part.text for part in line.parts if part.is_changed]) for line in lines]
    assert (name, marked) == ("Content", [("removed", [" is"]), ("added", []), ("added", [])])
    assert "<ins>" in page.content.decode()
    for wrong in ({"from": "9", "to": "1"}, {"from": "x", "to": "9" * 40}, {"from": "1"}):
        assert "compared" not in boss.get(path("smstemplate_versions", template.pk), wrong).context

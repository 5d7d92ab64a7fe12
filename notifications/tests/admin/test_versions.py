"""Previews and versions of templates in the admin."""

import pytest
from django.urls import reverse

from notifications.models import EmailOverride, EmailOverrideVersion, SmsTemplate, SmsTemplateVersion
from notifications.services.templates import overrides, specs
from notifications.states import Channel

pytestmark = pytest.mark.django_db
CONTENT = {"subject": "Hello", "html": '<a href="{{ link }}">x</a>', "text": "{{ link }}"}


def path(name, *args):
    return reverse(f"admin:notifications_{name}", args=args)


def test_template_and_language_of_an_override_cannot_change(boss):
    override = overrides.save(override=EmailOverride(template="welcome", language="de", **CONTENT), by=None)
    data = {**CONTENT, "subject": "Hallo", "template": "verify_email", "language": "fr", "is_active": "on"}
    assert boss.post(path("emailoverride_change", override.pk), data).status_code == 302
    override.refresh_from_db()
    assert (override.template, override.language, override.subject) == ("welcome", "de", "Hallo")


def test_preview_of_an_override_without_spec_shows_an_error(boss):
    override = EmailOverride.objects.create(template="long_gone", **CONTENT)
    EmailOverrideVersion.objects.create(override=override, number=1, data=CONTENT)
    assert "This e-mail cannot be shown or sent:" in boss.get(path("emailoverride_try", override.pk)).content.decode()
    assert boss.post(path("emailoverride_try", override.pk)).status_code == 200
    for name in ("change", "frame", "versions"):
        assert boss.get(path(f"emailoverride_{name}", override.pk)).status_code == 200
    assert boss.get(path("emailoverride_changelist")).status_code == 200


def test_bulk_delete_with_a_product_template_deletes_nothing(boss):
    own = SmsTemplate.objects.create(name="lunch", content="Lunch")
    declared = SmsTemplate.objects.get(name="2fa_code")
    data = {"action": "delete_selected", "_selected_action": [own.pk, declared.pk], "post": "yes"}
    answer = boss.post(path("smstemplate_changelist"), data, follow=True).content.decode()
    assert "Nothing was deleted. The product sends 2fa_code: edit or deactivate them instead." in answer
    assert SmsTemplate.objects.filter(pk=own.pk).exists()
    boss.post(path("smstemplate_changelist"), {**data, "_selected_action": [own.pk]})
    assert not SmsTemplate.objects.filter(pk=own.pk).exists()


def test_invalid_form_shows_the_stored_size_and_variables(boss):
    template = SmsTemplate.objects.create(name="lunch", content="Lunch {{what}}")
    data = {"name": "lunch", "content": "м" * 100 + "{{ other|safe }}", "translations": "5"}
    refused = boss.post(path("smstemplate_change", template.pk), data)
    assert refused.status_code == 200
    shown = refused.context
    assert [one["sms"].size.segments for one in shown["preview"]["messages"]] == [1]
    assert shown["variables"] == [("{{what}}", "what", True)]


@pytest.mark.parametrize(("content", "warned"), [("Hi {{nmae}}", True), ("Hello {{name}}", False)])
def test_new_variables_of_a_template_are_reported(boss, content, warned):
    template = SmsTemplate.objects.create(name="lunch", content="Hi {{name}}")
    data = {"name": "lunch", "content": content, "translations": "{}", "is_active": "on"}
    answer = boss.post(path("smstemplate_change", template.pk), data, follow=True).content.decode()
    assert ("New variables: nmae." in answer) == warned


def test_undeclared_variable_in_a_product_template_is_refused(boss):
    template = SmsTemplate.objects.get(name="2fa_code")
    data = {"name": "2fa_code", "content": "{{code}} {{cdoe}}", "translations": "{}"}
    refused = boss.post(path("smstemplate_change", template.pk), data)
    assert "cdoe" in str(refused.context["adminform"].form.errors["content"])


def test_versions_page_lists_twenty_versions(boss):
    template = SmsTemplate.objects.get(name="2fa_code")
    SmsTemplateVersion.objects.bulk_create(
        SmsTemplateVersion(template=template, number=number, data={}) for number in range(2, 121)
    )
    versions = path("smstemplate_versions", template.pk)
    first = boss.get(versions).content.decode()
    assert (first.count('class="panel"'), "?page=3" in first) == (20, True)
    assert boss.get(versions, {"page": 6}).content.decode().count('class="panel"') == 20


def test_versions_page_uses_the_labels_of_the_form(boss):
    template = SmsTemplate.objects.create(name="lunch", content="Lunch")
    data = {"content": "Lunch", "is_active": True, "translations": {"de": "Mittag"}}
    SmsTemplateVersion.objects.create(template=template, number=1, data=data)
    notice = boss.get(path("smstemplate_versions", template.pk)).content.decode()
    assert "is_active" not in notice
    assert "de: Mittag" in notice


def test_arabic_content_is_shown_right_to_left(boss):
    template = SmsTemplate.objects.create(name="lunch", content="Lunch", translations={"ar": "FoodFleet: الغداء"})
    assert 'dir="ltr">Lunch' in boss.get(path("smstemplate_try", template.pk)).content.decode()
    shown = boss.get(path("smstemplate_try", template.pk), {"language": "ar"}).content.decode()
    assert 'lang="ar" dir="rtl">FoodFleet' in shown


# `remaining` is a number, which decides over a plural; `heading` stands in the layout of the product.
STARTS = [
    spec.name for spec in specs.for_channel(Channel.EMAIL) if spec.name not in {"backup_code_used", "announcement"}
]


@pytest.mark.parametrize("template", STARTS)
def test_override_form_starts_with_the_products_valid_content(boss, template):
    start = boss.get(path("emailoverride_add"), {"template": template, "language": "de"}).context["adminform"].form
    data = {name: start[name].value() for name in ("template", "language", "subject", "html", "text")}
    assert '<table class="card"' not in data["html"]
    assert boss.post(path("emailoverride_add"), {**data, "is_active": "on"}).status_code == 302
    assert EmailOverride.objects.get(template=template, language="de").html == data["html"]


def test_new_override_links_to_the_products_content(boss):
    page = boss.get(path("emailoverride_add")).text
    assert f'<a href="{path("emailoverride_languages", "verify_email")}">' in page
    unknown = boss.get(path("emailoverride_add"), {"template": "no_such", "language": "xx"})
    assert unknown.status_code == 200


def test_sms_template_form_has_a_field_for_each_language(boss):
    data = {"name": "lunch", "content": "Lunch", "translations_de": "Mittag", "translations_fr": " "}
    assert boss.post(path("smstemplate_add"), data).status_code == 302
    template = SmsTemplate.objects.get(name="lunch")
    assert template.translations == {"de": "Mittag"}
    page = boss.get(path("smstemplate_change", template.pk)).text
    assert 'name="translations_de"' in page
    assert "Mittag</textarea>" in page

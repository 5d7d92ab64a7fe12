"""SMS templates."""

import pytest
from django.core.exceptions import ValidationError
from django.core.management import call_command

from notifications.exceptions import (
    InvalidTemplateException,
    MissingVariablesException,
    SmsTemplateNotFoundException,
    TemplateInUseException,
    VersionNotFoundException,
)
from notifications.models import SmsTemplate
from notifications.services.templates import sms_templates

pytestmark = pytest.mark.django_db


def new(name="greeting", content="Hello {{name}}", **fields):
    return sms_templates.save(template=SmsTemplate(name=name, content=content, **fields), by=None)


def test_variables_of_a_staff_template_are_its_placeholders():
    template = new(content="{{b}} {{a}} {{b}}", translations={"de": "{{a}} {{c}}"})
    assert sms_templates.variables_of(template) == ["b", "a", "c"]


def test_the_placeholders_of_a_product_template_are_those_it_uses():
    template = SmsTemplate.objects.get(name="2fa_code")
    assert (sms_templates.placeholders_of(template), sms_templates.variables_of(template)) == (
        ["code"], ["code", "site_name"],
    )  # fmt: skip


@pytest.mark.parametrize(
    ("content", "code"), [("No code", "missing_variable"), ("{{code}} for {{name}}", "unknown_variable")]
)
def test_product_template_uses_only_declared_variables(content, code):
    template = SmsTemplate.objects.get(name="2fa_code")
    template.content = content
    with pytest.raises(InvalidTemplateException) as refused:
        sms_templates.save(template=template, by=None)
    assert refused.value.details["content"][0]["code"] == code


def test_product_template_cannot_be_deleted_or_renamed():
    template = SmsTemplate.objects.get(name="2fa_code")
    with pytest.raises(TemplateInUseException):
        sms_templates.delete(template=template, by=None)
    template.name = "other"
    with pytest.raises(TemplateInUseException):
        sms_templates.save(template=template, by=None)


def test_migrate_keeps_edited_templates():
    template = SmsTemplate.objects.get(name="2fa_code")
    assert template.content == "Your verification code is: {{code}}"
    template.content = "Code: {{code}}"
    sms_templates.save(template=template, by=None)
    call_command("migrate", verbosity=0)
    assert SmsTemplate.objects.get(name="2fa_code").content == "Code: {{code}}"


@pytest.mark.parametrize("variables", [{}, {"name": ""}, {"name": "  \n"}, {"name": None}, {"other": "x"}])
def test_missing_or_blank_value_is_refused(variables):
    new()
    with pytest.raises(MissingVariablesException) as refused:
        sms_templates.render(name="greeting", variables=variables)
    assert refused.value.details["variables"][0]["code"] == "missing_variable"


def test_inactive_or_unknown_template_is_not_found():
    new(is_active=False)
    for name in ("greeting", "unknown"):
        with pytest.raises(SmsTemplateNotFoundException):
            sms_templates.render(name=name, variables={"name": "Ann"})


@pytest.mark.parametrize(
    ("language", "text"),
    [("de", "Hallo Ann"), ("de-at", "Hallo Ann"), ("de_AT", "Hallo Ann"), ("fr", "Hello Ann"), ("", "Hello Ann")],
)
def test_language_falls_back_to_parent_and_default(language, text):
    new(translations={"de": "Hallo {{name}}"})
    assert sms_templates.render(name="greeting", variables={"name": "Ann"}, language=language).content == text


@pytest.mark.usefixtures("may_do_all")
def test_restored_version_becomes_the_newest(user):
    template = new(content="one {{name}}")
    template.content = "two {{name}}"
    sms_templates.save(template=template, by=user)
    sms_templates.restore(pk=template.pk, number=1, by=user)
    assert [(v.number, v.data["content"]) for v in template.versions.order_by("number")] == [
        (1, "one {{name}}"), (2, "two {{name}}"), (3, "one {{name}}"),
    ]  # fmt: skip
    assert sms_templates.render(name="greeting", variables={"name": "x"}).version == 3
    with pytest.raises(VersionNotFoundException):
        sms_templates.restore(pk=template.pk, number=9, by=user)


@pytest.mark.parametrize(
    "fields",
    [
        {"translations": {"xx": "hi"}}, {"translations": ["de"]}, {"translations": {"de": 1}}, {"examples": {"name": 5}},
        {"translations": {"de": "a" * 1601}}, {"content": "a" * 1601}, {"translations": {"de": "half \ud800"}},
        {"examples": {"name": "\udfff"}}, {"examples": {"na\x00me": "x"}}, {"examples": {"name": "a" * 1001}},
        {"examples": {"a" * 1001: "x"}}, {"examples": {f"name{number}": "x" for number in range(101)}},
    ],
)  # fmt: skip
def test_invalid_template_values_are_refused(fields):
    with pytest.raises((InvalidTemplateException, ValidationError)):
        new(**fields)

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


@pytest.mark.parametrize(
    "content",
    [
        "{{code.__class__}}", "{{code.upper}}", "{{code|safe}}", "{{ code }}", "{{code }}", "{{_code}}", "{{__class__}}", "{{0}}",
        "{{}}", "{{ }}", "{code}", "{", "}", "{{code}", "{code}}", "{{{code}}}", "{{{{code}}}}", "{{co{{code}}de}}",
        "{% include 'x' %}", "{% load i18n %}", "{%if code%}x{%endif%}", "{# comment #}", "{{code()}}", "{{code[0]}}",
        "{{code:>100000}}", "{{code!r}}", "{{a-b}}", "{{a b}}", "{{ñ}}", "{{code\n}}", "{{" + "a" * 65 + "}}", "{0.__class__}",
    ],
)  # fmt: skip
def test_braces_without_a_placeholder_are_refused(content):
    with pytest.raises(InvalidTemplateException) as refused:
        new(content="{{code}} " + content)
    assert refused.value.details["content"][0]["code"] == "invalid_placeholder"
    with pytest.raises(InvalidTemplateException):
        new(translations={"de": content}, content="fine")


@pytest.mark.parametrize(
    "value", ["{{name}}", "{{code}}", "{% now 'Y' %}", "{0}", "%s %(x)s", "\\1 \\g<0>", "<b>&amp;</b>"]
)
def test_values_are_inserted_as_text_and_never_evaluated(value):
    new(content="a {{name}} b {{code}}")
    assert sms_templates.render(name="greeting", variables={"name": value, "code": "X"}).content == f"a {value} b X"


def test_variables_of_a_staff_template_are_its_placeholders():
    template = new(content="{{b}} {{a}} {{b}}", translations={"de": "{{a}} {{c}}"})
    assert sms_templates.variables_of(template) == ["b", "a", "c"]


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


@pytest.mark.redis
@pytest.mark.django_db(transaction=True)
def test_change_in_one_process_is_visible_in_another_at_once():
    """A direct write of the cache version simulates another process."""
    import subprocess
    import sys

    from django.conf import settings
    from django.db import connection
    from django.db.transaction import atomic

    new(content="old {{name}}")
    assert sms_templates.render(name="greeting", variables={"name": "x"}).content == "old x"
    with atomic(), connection.execute_wrapper(lambda *a: pytest.fail("the second look-up queried the database")):
        sms_templates.render(name="greeting", variables={"name": "x"})
    script = (
        "import django; django.setup()\n"
        "from notifications.models import SmsTemplate; from notifications.services.templates import sms_templates\n"
        "t = SmsTemplate.objects.get(name='greeting'); t.content = 'new {{name}}'; sms_templates.save(template=t, by=None)"
    )
    database = settings.DATABASES["default"]
    url = f"postgres://{database['USER']}:{database.get('PASSWORD', '')}@{database['HOST']}:{database['PORT']}/{connection.settings_dict['NAME']}"
    environment = {
        "DJANGO_SETTINGS_MODULE": "foodfleet.settings",
        "SECRET_KEY": settings.SECRET_KEY,
        "DATABASE_URL": url,
        "REDIS_URL": settings.REDIS_URL,
    }
    subprocess.run([sys.executable, "-c", script], check=True, env=environment, cwd=settings.BASE_DIR)
    assert sms_templates.render(name="greeting", variables={"name": "x"}).content == "new x"


@pytest.mark.redis
@pytest.mark.django_db(transaction=True)
def test_nothing_is_cached_during_a_change():
    from django.db import transaction

    template = new(content="old {{name}}")
    with transaction.atomic():
        template.content = "new {{name}}"
        sms_templates.save(template=template, by=None)
        assert sms_templates.render(name="greeting", variables={"name": "x"}).content == "new x"
        transaction.set_rollback(True)
    assert sms_templates.render(name="greeting", variables={"name": "x"}).content == "old x"

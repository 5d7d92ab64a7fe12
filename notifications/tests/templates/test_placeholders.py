"""Placeholders of SMS templates: values are inserted as text."""

import pytest

from notifications.exceptions import InvalidTemplateException
from notifications.services.templates import sms_templates
from notifications.tests.templates.test_sms_templates import new

pytestmark = pytest.mark.django_db


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

"""What staff may write into an override of one of the product's e-mails."""

import pytest
from django.core.exceptions import ValidationError

from notifications.exceptions import (
    EmailTemplateNotFoundException,
    InvalidTemplateException,
)
from notifications.models import EmailOverride
from notifications.services.templates import overrides
from notifications.services.templates.rendering import render_email

pytestmark = [pytest.mark.django_db, pytest.mark.once]


def new(template="verify_email", html='<p><a href="{{ link }}">Go</a></p>', text="Go: {{ link }}", **fields):
    fields.setdefault("subject", "Please confirm")
    return overrides.save(override=EmailOverride(template=template, html=html, text=text, **fields), by=None)


@pytest.mark.parametrize(
    "attack",
    [
        "{{ link.__class__ }}", "{{ link.upper }}", "{{ link.0 }}", "{{ link|safe }}", "{{ link|safeseq }}", "{{ link|striptags }}",
        '{{ link|ljust:"99999999" }}', "{{ link|pprint }}", '{{ link|default:first_name }}', '{{ link|default:_("x") }}',
        "{% include 'admin/base.html' %}", "{% extends 'base.html' %}", "{% load i18n %}", "{% debug %}", "{% csrf_token %}",
        "{% for c in link %}x{% endfor %}", "{% autoescape off %}{{ link }}{% endautoescape %}", "{% verbatim %}{{ x }}{% endverbatim %}",
        "{% with a=link %}{{ a }}{% endwith %}", "{% now 'Y' %}", "{% url 'admin:index' %}", "{% ssi '/etc/passwd' %}", "{% widthratio 1 1 1 %}",
        "{% if link.upper %}x{% endif %}", "{% if link|length > 3 %}x{% endif %}", "{% if link %}", "{% endif %}", "{% else %}",
        "{{ {{ link }} }}", "{{", "{%", "{#", "{{ link", "{{\nlink }}", "{{ settings.SECRET_KEY }}", "{{ unknown }}", "{{ 'text' }}",
        "{{ request }}", "{{ block.super }}", "{{ forloop }}", "{% if unknown %}x{% endif %}", "{% if link %}" * 11 + "{% endif %}" * 11,
        "{{ _link }}", "{{ LINK }}", "{{ link }}{{ link|add:1 }}", "{% partial x %}", "{% querystring %}", "{% lorem 99999 %}", "{% filter upper %}x{% endfilter %}",
    ],
)  # fmt: skip
@pytest.mark.parametrize("field", ["html", "text", "subject"])
def test_tags_filters_and_attributes_outside_the_sandbox_are_refused(attack, field):
    fields = {"html": '<a href="{{ link }}">{{ link }}</a>', "text": "{{ link }}", "subject": "Hello"}
    fields[field] += attack
    with pytest.raises(InvalidTemplateException) as refused:
        new(**fields)
    assert field in refused.value.details


@pytest.mark.parametrize(
    "attack",
    [
        "<script>alert(1)</script>", "<SCRIPT src=//x></SCRIPT>", '<img src="x" onerror="alert(1)">', '<a href="javascript:alert(1)">x</a>',
        '<a href="{{ first_name }}">x</a>', '<a href="javascript:{{ link }}">x</a>', "<a href={{ link }}>x</a>", '<a title= {{ first_name }}>x</a>',
        '<iframe src="https://x"></iframe>', '<form action="https://x"></form>', '<meta http-equiv="refresh" content="0">', '<base href="https://x">',
        '<link rel="stylesheet" href="https://x">', "<svg onload=alert(1)>", '<object data="x"></object>', '<img src="data:text/html,x">',
        "<!DOCTYPE html>", "<?php ?>", '<a {{ first_name }}="x">y</a>', '<a href="https://x/{{ first_name }}">x</a>',
    ],
)  # fmt: skip
def test_scripts_and_value_dependent_links_are_refused(attack):
    with pytest.raises(InvalidTemplateException):
        new(html='<a href="{{ link }}">{{ link }}</a>' + attack)


@pytest.mark.parametrize("field", ["html", "text"])
def test_required_variable_must_be_shown_not_only_tested(field):
    with pytest.raises(InvalidTemplateException) as refused:
        new(**{field: "{% if link %}yes{% else %}no{% endif %}"})
    assert refused.value.details[field][0]["code"] == "missing_variable"


@pytest.mark.parametrize(
    "words",
    [
        "{% if first_name %}{{ link }}{% endif %}",
        "{% if first_name %}{{ link }}{% else %}Hi{% endif %}",
        "{% if first_name %}{{ link }}{% elif not first_name %}{{ link }}{% endif %}",
        "{% if not link %}{{ link }}{% endif %}",
        "{% if link and first_name %}{{ link }}{% endif %}",
        "{% if link %}{% if first_name %}{{ link }}{% endif %}{% endif %}",
    ],
)
def test_required_variable_must_be_shown_in_every_branch(words):
    with pytest.raises(InvalidTemplateException) as refused:
        new(text=words)
    assert refused.value.details["text"][0]["code"] == "missing_variable"


@pytest.mark.parametrize(
    "words",
    [
        "{% if first_name %}Hi{% endif %} {{ link }}",
        "{% if link %}{{ link }}{% endif %}",
        "{% if first_name %}Ann: {{ link }}{% else %}You: {{ link }}{% endif %}",
        "{% if first_name %}{% if link %}{{ link }}{% endif %}{% elif link %}{{ link }}{% else %}{{ link }}{% endif %}",
    ],
)
def test_required_variable_may_be_shown_once_in_each_branch(words):
    new(text=words)
    assert "https://x/" in render_email("verify_email", {"link": "https://x/"}, "").text


def test_conditions_and_allowed_filters_work():
    new(
        html='{% if first_name and not ip_x %}x{% endif %}<a href="{{ link }}">{{ link }}</a>'.replace(
            " and not ip_x", ""
        ),
        text='{% if not first_name %}Hi{% elif link or first_name %}{{ first_name|upper|default:"you" }}{% else %}-{% endif %} {{ link }}',
    )
    assert "ANN https://x/" in render_email("verify_email", {"link": "https://x/", "first_name": "Ann"}, "").text
    assert "Hi https://x/" in render_email("verify_email", {"link": "https://x/"}, "").text


@pytest.mark.usefixtures("may_do_all")
def test_every_save_adds_a_version_that_can_be_restored(user):
    override = new(subject="one")
    override.subject = "two"
    overrides.save(override=override, by=user)
    overrides.restore(pk=override.pk, number=1, by=user)
    assert [(v.number, v.data["subject"]) for v in override.versions.order_by("number")] == [
        (1, "one"),
        (2, "two"),
        (3, "one"),
    ]
    assert render_email("verify_email", {"link": "https://x/"}, "").version == 3


def test_second_override_of_an_email_and_language_is_refused():
    new(language="de")
    with pytest.raises(ValidationError):
        new(language="de")
    with pytest.raises(InvalidTemplateException):
        new(language="xx")
    with pytest.raises(EmailTemplateNotFoundException):
        new(template="layout")

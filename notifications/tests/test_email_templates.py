"""The mails of the product, and the words that staff put in their place."""

import re

import pytest
from django.conf import settings
from django.core.exceptions import ValidationError
from django.template.loader import get_template

from notifications.exceptions import (
    EmailTemplateNotFoundException,
    InvalidTemplateException,
    MissingVariablesException,
)
from notifications.models import EmailOverride
from notifications.services.templates import overrides, rendering, specs
from notifications.services.templates.rendering import render_email
from notifications.states import Channel

FOLDER = settings.BASE_DIR / "templates" / "notifications" / "email"
FRAMES = {"layout", "override"}

pytestmark = pytest.mark.django_db


def new(template="verify_email", html='<p><a href="{{ link }}">Go</a></p>', text="Go: {{ link }}", **fields):
    fields.setdefault("subject", "Please confirm")
    return overrides.save(override=EmailOverride(template=template, html=html, text=text, **fields), by=None)


def test_each_file_is_declared_and_each_declared_mail_has_its_three_files():
    files = {path.name.split(".")[0] for path in FOLDER.glob("*.*")} - FRAMES
    assert files == {declared.name for declared in specs.for_channel(Channel.EMAIL)}
    for name in files:
        for ending in ("html", "txt", "subject.txt"):
            get_template(f"notifications/email/{name}.{ending}")


@pytest.mark.parametrize("declared", specs.for_channel(Channel.EMAIL), ids=lambda declared: declared.name)
def test_a_mail_uses_no_more_than_its_declared_variables(declared):
    written = (FOLDER / f"{declared.name}.html").read_text() + (FOLDER / f"{declared.name}.txt").read_text()
    named = set(
        re.findall(r"\{# context: ([^#]*) #\}", written)[0].replace("(optional)", "").replace(" ", "").split(",")
    )
    assert named <= declared.names | {"first_name"}
    assert set(re.findall(r"\{\{ ([a-z_]+) ?[|}]", written)) <= declared.names
    assert set(re.findall(r"url=([a-z_]+)", written)) <= declared.required


@pytest.mark.parametrize("language", [code for code, _ in settings.LANGUAGES])
@pytest.mark.parametrize("declared", specs.for_channel(Channel.EMAIL), ids=lambda declared: declared.name)
def test_each_mail_renders_in_each_language(declared, language):
    content = render_email(declared.name, declared.examples, language)
    assert content.subject
    assert "\n" not in content.subject
    for name in declared.required:
        assert str(declared.examples[name]) in content.text


def test_a_missing_variable_refuses_the_mail():
    with pytest.raises(MissingVariablesException):
        render_email("verify_email", {"link": " "}, "")
    with pytest.raises(EmailTemplateNotFoundException):
        render_email("layout", {}, "")


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
def test_nothing_that_loads_calls_or_reaches_further_can_be_written(attack, field):
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
def test_html_that_runs_or_lets_a_value_decide_where_a_link_leads_is_refused(attack):
    with pytest.raises(InvalidTemplateException):
        new(html='<a href="{{ link }}">{{ link }}</a>' + attack)


def test_values_are_escaped_in_html_and_plain_in_text():
    new(
        html='<p>{{ first_name }} <a href="{{ link }}">x</a></p>',
        text="{{ first_name }} {{ link }}",
        subject="{{ first_name }}, hello",
    )
    content = render_email("verify_email", {"link": 'https://x/"><b>', "first_name": "<script>&{{ link }}"}, "")
    assert "<script>" not in content.html
    assert "&lt;script&gt;&amp;{{ link }}" in content.html
    assert 'https://x/"><b>' not in content.html
    assert "<script>&{{ link }}" in content.text
    assert content.subject == "<script>&{{ link }}, hello"


def test_an_override_speaks_in_its_language_only_and_the_one_without_a_language_in_all_others():
    new(language="de", subject="Bitte")
    assert render_email("verify_email", {"link": "https://x/"}, "de-at").subject == "Bitte"
    assert render_email("verify_email", {"link": "https://x/"}, "fr").version == 0
    new(subject="Everywhere")
    assert render_email("verify_email", {"link": "https://x/"}, "fr").subject == "Everywhere"
    assert render_email("verify_email", {"link": "https://x/"}, "de").subject == "Bitte"


def test_an_override_that_is_off_is_not_used():
    new(is_active=False)
    assert render_email("verify_email", {"link": "https://x/"}, "").version == 0


@pytest.mark.parametrize("field", ["html", "text"])
def test_a_required_variable_must_be_shown_not_only_asked_about(field):
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
def test_a_required_variable_that_a_condition_may_leave_out_refuses_the_save(words):
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
def test_a_required_variable_may_stand_on_each_way_through_a_condition(words):
    new(text=words)
    assert "https://x/" in render_email("verify_email", {"link": "https://x/"}, "").text


def test_conditions_and_the_harmless_filters_work():
    new(
        html='{% if first_name and not ip_x %}x{% endif %}<a href="{{ link }}">{{ link }}</a>'.replace(
            " and not ip_x", ""
        ),
        text='{% if not first_name %}Hi{% elif link or first_name %}{{ first_name|upper|default:"you" }}{% else %}-{% endif %} {{ link }}',
    )
    assert "ANN https://x/" in render_email("verify_email", {"link": "https://x/", "first_name": "Ann"}, "").text
    assert "Hi https://x/" in render_email("verify_email", {"link": "https://x/"}, "").text


@pytest.mark.usefixtures("may_do_all")
def test_each_save_is_a_version_that_can_come_back(user):
    override = new(subject="one")
    override.subject = "two"
    overrides.save(override=override, by=user)
    overrides.restore(override=override, number=1, by=user)
    assert [(v.number, v.data["subject"]) for v in override.versions.order_by("number")] == [
        (1, "one"),
        (2, "two"),
        (3, "one"),
    ]
    assert render_email("verify_email", {"link": "https://x/"}, "").version == 3


def test_one_override_for_a_mail_and_language():
    new(language="de")
    with pytest.raises(ValidationError):
        new(language="de")
    with pytest.raises(InvalidTemplateException):
        new(language="xx")
    with pytest.raises(EmailTemplateNotFoundException):
        new(template="layout")


def test_a_style_that_stands_inline_is_not_sent_twice_and_those_for_dark_and_small_screens_stay():
    html = render_email("password_reset", {"link": "https://x/"}, "").html
    [sheet] = re.findall(r"<style>(.*?)</style>", html, re.DOTALL)
    assert ".button {" not in sheet.partition("@media")[0]
    assert 'class="button" style="' in html or re.search(r'style="[^"]*inline-block', html)
    assert "prefers-color-scheme: dark" in sheet
    assert "max-width: 480px" in sheet


@pytest.mark.parametrize("spec", specs.for_channel(Channel.EMAIL), ids=lambda spec: spec.name)
def test_html_escapes_values_and_text_does_not(spec):
    markup = '<b>O\'Neil & "Söhne"</b> {{ link }} %s'
    values = {name: value if name.endswith("link") else markup for name, value in spec.examples.items()}
    values |= {"remaining": 7} if "remaining" in values else {}
    content = rendering.render_files(spec.name, {**values, "unsubscribe_link": ""}, "de")
    assert "<b>O'" not in content.html
    assert "&lt;b&gt;O" in content.html
    assert markup in content.text


def test_numbers_choose_the_plural():
    for number, words in ((1, "1 backup code left"), (2, "2 backup codes left")):
        variables = {"remaining": number, "unsubscribe_link": ""}
        assert words in rendering.render_files("backup_code_used", variables, "en").text

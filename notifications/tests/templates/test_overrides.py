"""The product's e-mails and their overrides."""

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
from notifications.services.compose.html import INLINER
from notifications.services.templates import overrides, rendering, specs
from notifications.services.templates.cache import OverrideContent
from notifications.services.templates.rendering import render_email
from notifications.states import Channel

FOLDER = settings.BASE_DIR / "templates" / "notifications" / "email"
FRAMES = {"layout", "override"}
OWN = [spec for spec in specs.SPECS if spec.channel == Channel.EMAIL]

pytestmark = [pytest.mark.django_db, pytest.mark.once]


def new(template="verify_email", html='<p><a href="{{ link }}">Go</a></p>', text="Go: {{ link }}", **fields):
    fields.setdefault("subject", "Please confirm")
    return overrides.save(override=EmailOverride(template=template, html=html, text=text, **fields), by=None)


def test_template_files_and_specs_match():
    files = {path.name.split(".")[0] for path in FOLDER.glob("*.*")} - FRAMES
    assert files == {declared.name for declared in OWN}
    for name in files:
        for ending in ("html", "txt", "subject.txt"):
            get_template(f"notifications/email/{name}.{ending}")


@pytest.mark.parametrize("declared", OWN, ids=lambda declared: declared.name)
def test_product_email_uses_only_declared_variables(declared):
    written = (FOLDER / f"{declared.name}.html").read_text() + (FOLDER / f"{declared.name}.txt").read_text()
    named = set(
        re.findall(r"\{# context: ([^#]*) #\}", written)[0].replace("(optional)", "").replace(" ", "").split(",")
    )
    assert named <= declared.names | {"first_name"}
    assert set(re.findall(r"\{\{ ([a-z_]+) ?[|}]", written)) <= declared.names | {"site_name"}
    assert set(re.findall(r"url=([a-z_]+)", written)) <= declared.required


@pytest.mark.parametrize("language", [code for code, _ in settings.LANGUAGES])
@pytest.mark.parametrize("declared", specs.for_channel(Channel.EMAIL), ids=lambda declared: declared.name)
def test_every_email_renders_in_every_language(declared, language):
    content = render_email(declared.name, declared.examples, language)
    assert content.subject
    assert "\n" not in content.subject
    for name in declared.required:
        assert str(declared.examples[name]) in content.text


def test_missing_variable_of_an_email_is_refused():
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


def test_override_escapes_values_in_html_only():
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


def test_override_applies_to_its_language_or_to_all_others():
    new(language="de", subject="Bitte")
    assert render_email("verify_email", {"link": "https://x/"}, "de-at").subject == "Bitte"
    assert render_email("verify_email", {"link": "https://x/"}, "fr").version == 0
    new(subject="Everywhere")
    assert render_email("verify_email", {"link": "https://x/"}, "fr").subject == "Everywhere"
    assert render_email("verify_email", {"link": "https://x/"}, "de").subject == "Bitte"


def test_inactive_override_is_not_used():
    new(is_active=False)
    assert render_email("verify_email", {"link": "https://x/"}, "").version == 0


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


def test_only_media_rules_stay_in_the_style_element():
    html = render_email("password_reset", {"link": "https://x/"}, "").html
    [sheet] = re.findall(r"<style>(.*?)</style>", html, re.DOTALL)
    assert ".button {" not in sheet.partition("@media")[0]
    assert re.search(r'class="button"[^>]* style="[^"]*inline-block', html)
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


def same(content, other):
    """Whether they are equal to a reader: quotes may be escaped or not."""
    pages = [INLINER.inline(each.html) for each in (content, other)]
    return (content.subject, content.text, content.version, pages[0]) == (
        other.subject, other.text, other.version, pages[1]
    )  # fmt: skip


@pytest.mark.parametrize("language", ["en", "ar"])
@pytest.mark.parametrize("spec", specs.for_channel(Channel.EMAIL), ids=lambda spec: spec.name)
def test_precompiled_email_equals_a_rendered_one(spec, language):
    odd = '  <b>O\'Neil</b> & "Söhne" {{ link }} {% if %}\n\nhttps://x.example/?a=1&b=2 '
    every = {name: value if isinstance(value, int) else f"{odd}{value}" for name, value in spec.examples.items()}
    some = {name: value for name, value in every.items() if name in spec.required}
    for values in (every, some):
        rendered = rendering.render_files(spec.name, values, language)
        assert same(render_email(spec.name, values, language), rendered)
        assert same(render_email(spec.name, values, language), rendered)


def test_precompiled_override_equals_a_rendered_one():
    words = "{% if first_name and link %}Dear {{ first_name }}, {% else %}Hi, {% endif %}{{ link }}"
    override = new(
        subject="{% if first_name %}{{ first_name }}: {% endif %}confirm", html=f"<p>{words}</p>", text=words
    )
    content = OverrideContent(override.subject, override.html, override.text, override.version)
    for values in ({"link": "https://x/?a&b", "first_name": "<Ann>'s"}, {"link": "https://y/"}):
        rendered = rendering.render_override(content, values, "fr")
        assert same(render_email("verify_email", values, "fr"), rendered)


def test_precompiled_email_follows_the_settings(settings):
    assert "Acme" not in render_email("welcome", {"link": "https://x/"}, "en").text
    settings.SITE_NAME, settings.SUPPORT_EMAIL = "Acme", "help@acme.example"
    content = render_email("welcome", {"link": "https://x/"}, "en")
    assert "Acme" in content.subject
    assert "help@acme.example" in content.html


def test_numbers_choose_the_plural():
    for number, words in ((1, "1 backup code left"), (2, "2 backup codes left")):
        variables = {"remaining": number, "unsubscribe_link": ""}
        assert words in rendering.render_files("backup_code_used", variables, "en").text

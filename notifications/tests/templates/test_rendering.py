"""E-mails as text and HTML in every language, with the overrides of staff."""

import re

import pytest
from django.conf import settings

from notifications.exceptions import EmailTemplateNotFoundException, MissingVariablesException
from notifications.services.templates import rendering, specs
from notifications.services.templates.rendering import render_email
from notifications.states import Channel
from notifications.tests.templates.test_overrides import new

pytestmark = [pytest.mark.django_db, pytest.mark.once]
mails = pytest.mark.parametrize("mail", specs.for_channel(Channel.EMAIL), ids=lambda mail: mail.name)
LANGUAGES = [code for code, _ in settings.LANGUAGES]


@mails
def test_text_and_html_say_the_same_in_every_language(mail):
    for language in LANGUAGES:
        content = render_email(mail.name, mail.examples, language)
        assert "\n" not in content.subject
        assert content.subject
        assert f'dir="{"rtl" if language == "ar" else "ltr"}"' in content.html
        assert f'lang="{language}"' in content.html
        assert not re.search(r"[{}]{2}|\{%|<[a-z]", content.text), "no markup is left in the text"
        for name, value in mail.examples.items():
            if name.endswith("link"):
                assert value in content.text, (language, name)
                assert value in content.html, (language, name)


@pytest.mark.parametrize(
    "mail", [spec for spec in specs.SPECS if spec.channel == Channel.EMAIL], ids=lambda mail: mail.name
)
def test_emails_contain_no_text_of_another_language(mail):
    english = render_email(mail.name, mail.examples, "en")
    for language in LANGUAGES[1:]:
        content = render_email(mail.name, mail.examples, language)
        assert content.subject != english.subject
        prose = {line for line in english.text.splitlines() if len(line.split()) > 3 and "http" not in line}
        assert not prose & set(content.text.splitlines())


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


def test_numbers_choose_the_plural():
    for number, words in ((1, "1 backup code left"), (2, "2 backup codes left")):
        variables = {"remaining": number, "unsubscribe_link": ""}
        assert words in rendering.render_files("backup_code_used", variables, "en").text

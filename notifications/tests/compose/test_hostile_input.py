"""Parsers take linear time and cannot exhaust the process."""

from contextlib import suppress
from time import process_time

import pytest

from foodfleet.core.exceptions import ValidationException
from notifications.exceptions import InvalidTemplateException
from notifications.models import EmailOverride, Message
from notifications.services.compose import html, writing
from notifications.services.compose.recipients import emails
from notifications.services.templates import overrides, sandbox

pytestmark = pytest.mark.once
EMAIL = "/api/v1/notifications/email/"
SMALL, FACTOR = 12_500, 8
RATIO = 24  # of times: 8 where it is linear, 64 where it grows with the square
SLACK = 0.3  # seconds
HTML = [
    '<a href="', "<a '", "<a b ", '<a x="1" ', "<ul><li>", "<b></p>", "<div>", "<!--", "<![CDATA[", "<", "</", "&", "&#",
    "&#9", "<script>", "<title>", "<a href=x>", "<a b='>", '<a ="', "\n", "<p>word ",
]  # fmt: skip


@pytest.fixture
def staff(api, user, allow):
    """The API's client as somebody who may send."""
    allow(user, "notifications:send")
    api.force_authenticate(user)
    return api


def seconds(function, text, **fields):
    started = process_time()
    with suppress(ValidationException, InvalidTemplateException):
        function(text, **fields)
    return process_time() - started


def assert_linear(function, atom, **fields):
    small, large = ((atom * size)[:size] for size in (SMALL, SMALL * FACTOR))
    assert seconds(function, large, **fields) < seconds(function, small, **fields) * RATIO + SLACK


@pytest.mark.parametrize("atom", HTML)
def test_html_to_text_takes_linear_time(atom):
    assert_linear(html.as_text, atom)


@pytest.mark.parametrize("atom", HTML)
def test_css_inlining_takes_linear_time(atom):
    assert_linear(lambda text: html.with_inline_styles(f"<style>p{{color:red}}</style>{text}"), atom)


@pytest.mark.parametrize("is_html", [True, False])
@pytest.mark.parametrize(
    "atom", ["{{", "{%", "{#", "{{a", "{% if a %}", "{{a}}", "<a ", '<a href="', "<b", "= ", "&#9", "{"]
)
def test_template_validation_takes_linear_time(atom, is_html):
    assert_linear(sandbox.check, atom, field="text", is_html=is_html)


@pytest.mark.django_db
@pytest.mark.parametrize("address", ["(" * 319, "(" * 300 + "@example.com", '"(' * 159, "<" * 320, "a." * 160])
def test_address_with_nested_brackets_is_refused(staff, address):
    for field in ("to", "cc", "bcc", "reply_to"):
        refused = staff.post(EMAIL, {"to": ["ann@example.com"], "subject": "x", "text": "x", field: [address]})
        assert (refused.status_code, list(refused.json()["details"])) == (422, [field])
    assert not Message.objects.exists()


def test_too_long_address_is_not_parsed():
    with pytest.raises(ValidationException):
        emails(["(" * 100_000], "to")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("source", "code"),
    [
        ("<style>p{}</style>" + "<div>" * 15_000, "too_deep"),  # crashed the process
        ("<style>p{}</style>" + "<b></p>" * 10_000, "too_deep"),
        ("<style>p{}</style>" + "<b><object></b></object>" * 10_000, "too_deep"),
        ("<style>p{}</style>" + "<br>" * 20_000, "too_many_elements"),
        (f"<style>{'p{color:red}' * 5_000}</style><p>x", "too_many_elements"),
        ("x" * 500_001, "max_length"),
    ],
)
def test_deep_or_huge_html_is_refused(staff, source, code):
    refused = staff.post(EMAIL, {"to": ["ann@example.com"], "subject": "x", "html": source})
    assert refused.status_code == 422
    assert [entry["code"] for entry in refused.json()["details"]["html"]] == [code]


@pytest.mark.django_db
def test_css_of_a_table_newsletter_is_inlined(staff):
    cell = "<table><tr><td><p class=a>Dish<p>Price</table>"
    source = f"<style>.a{{color:red}}</style>{'<table><tr><td>' * 12}{cell * 400}{'</table>' * 12}"
    assert staff.post(EMAIL, {"to": ["ann@example.com"], "subject": "x", "html": source}).status_code == 202
    assert writing.decrypt_content(Message.objects.get().payload)["html"].count('style="color: red;"') == 400


@pytest.mark.django_db
@pytest.mark.parametrize(
    "words",
    ["{{ link }}" * 501, "<b>x</b>" * 1_001 + "{{ link }}", "{{ link }}{% if " + "link or " * 100 + "link %}{% endif %}",
     "x" * 100_001],
)  # fmt: skip
def test_template_with_too_many_tags_is_refused(words):
    override = EmailOverride(template="verify_email", subject="x", html=words, text="{{ link }}")
    with pytest.raises(InvalidTemplateException):
        overrides.check(override)


def test_huge_character_reference_is_replaced():
    sandbox.check(f'<p title="&#{"9" * 5000};">&#{"9" * 5000}; {{{{ link }}}}</p>', field="html", is_html=True)

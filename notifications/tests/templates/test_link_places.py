"""A link never stands directly after what may be the start of an address."""

import pytest

from notifications.exceptions import InvalidTemplateException
from notifications.tests.templates.test_sandbox import save

pytestmark = [pytest.mark.django_db, pytest.mark.once]


GLUED = [
    "https://evil.test/{{ link }}", "evil.test/{{ link }}", "https://evil.test?a={{ link|lower }}", "https://evil.test#{{link}}",
    "https://evil.test/{% if first_name %}{{ link }}{% endif %}", "{% if first_name %}https://evil.test/{% endif %}{{ link }}",
    "https://evil.test\uff0f{{ link }}", "{{ first_name }}{{ link }}", '{{ first_name|default:"https://evil.test/" }}{{ link }}',
    "https:\\\\evil.test\\{{ link }}",
]  # fmt: skip


@pytest.mark.parametrize("text", [*GLUED, "<https://evil.test/ \n{{ link }}>"])
def test_link_directly_after_an_address_in_text_is_refused(text):
    with pytest.raises(InvalidTemplateException) as refused:
        save(text=text)
    assert "text" in refused.value.details


@pytest.mark.parametrize(
    "words",
    [*GLUED, "https://evil.test/<b>{{ link }}</b>", "<i>evil.test/</i>{{ link }}", "https:&#47;&#47;evil.test&#47;{{ link }}"],
)  # fmt: skip
def test_link_directly_after_an_address_in_html_is_refused(words):
    with pytest.raises(InvalidTemplateException) as refused:
        save(html=f'<a href="{{{{ link }}}}">Go</a> <p>{words}</p>')
    assert "html" in refused.value.details


@pytest.mark.parametrize(
    "text",
    [
        "Hello {{ first_name }},\n{{ link }}", "Here:{{ link }}", "Choose ({{ link }}).", "<{{ link }}>", "\u8acb\u9ede\u64ca{{ link }}",
        "See https://foodfleet.example/help or {{ link }}", "{% if first_name %}{{ first_name }}: {% endif %}{{ link }}",
    ],
)  # fmt: skip
def test_link_after_ordinary_text_is_accepted(text):
    assert save(text=text).pk

"""Precompiled e-mails say the same as rendered ones."""

import pytest

from notifications.services.compose.html import INLINER
from notifications.services.templates import rendering, specs
from notifications.services.templates.cache import OverrideContent
from notifications.services.templates.rendering import render_email
from notifications.states import Channel
from notifications.tests.templates.test_overrides import new

pytestmark = [pytest.mark.django_db, pytest.mark.once]


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

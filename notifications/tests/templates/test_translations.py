"""Every e-mail as text and HTML in every language."""

import re

import pytest
from django.conf import settings

from notifications.services.templates import specs
from notifications.services.templates.rendering import render_email
from notifications.states import Channel

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

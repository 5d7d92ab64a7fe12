"""Mails come out of their moulds as the templates would render them."""

from html import unescape

import pytest

from notifications.services.templates import precompiled, rendering, specs
from notifications.states import Channel

pytestmark = pytest.mark.django_db

NASTY = '<b>O\'Neil & "Söhne"</b> {{ link }} %s qgap000zpag'


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize("mail", specs.of(Channel.EMAIL), ids=lambda mail: mail.name)
def test_each_mail_is_the_same_from_its_mould(mail, language):
    variables = {name: NASTY if isinstance(value, str) else value for name, value in mail.examples.items()}
    variables["unsubscribe_link"] = ""
    rendered = rendering._rendered(mail.name, variables, language)
    rendering.render_files(mail.name, {**variables, **mail.examples}, language)  # casts it for other words
    filled = rendering.render_files(mail.name, variables, language)
    assert filled.text == rendered.text.strip() + "\n"
    assert filled.subject == " ".join(rendered.subject.split())
    assert unescape(filled.html) == unescape(rendered.html)
    assert "<b>O'" not in filled.html


def test_a_template_that_changes_a_value_is_rendered_each_time():
    def shouting(values):
        return precompiled.Parts(values["name"].upper(), "", "")

    for name in ("Ann", "Bob"):
        assert precompiled.cast(("shouting",), {"name": name}, shouting).subject == name.upper()


def test_numbers_choose_their_plural():
    for number, words in ((1, "1 backup code left"), (2, "2 backup codes left")):
        variables = {"remaining": number, "unsubscribe_link": ""}
        assert words in rendering.render_files("backup_code_used", variables, "en").text

"""Every message of the product is translated into every language."""

import re

import pytest
from django.conf import settings

from foodfleet.tests import catalogues

pytestmark = pytest.mark.once

PARTS = re.compile(r"%\(\w+\)[sd]|\{\{\w+\}\}|<[^>]+>|%%")
languages = pytest.mark.parametrize("language", catalogues.LANGUAGES)


def test_the_languages_offered_are_those_that_are_translated():
    assert {code for code, _ in settings.LANGUAGES} == {"en", *catalogues.LANGUAGES}


@languages
def test_no_message_is_missing(language):
    there = {e.msgid for e in catalogues.entries(language) if all(catalogues.texts_of(e)) and not e.fuzzy}
    missing = {message: file for message, file in catalogues.wanted().items() if message not in there}
    assert not missing, f"`make messages`, then translate in locale/{language}: {missing}"


@languages
def test_no_message_is_fuzzy_or_empty(language):
    assert not [e.msgid for e in catalogues.entries(language) if e.fuzzy or not all(catalogues.texts_of(e))]


@languages
def test_what_is_compiled_is_what_is_written(language):
    written = {entry.msgid: catalogues.texts_of(entry) for entry in catalogues.entries(language)}
    assert catalogues.compiled(language) == written, "`make messages` compiles the catalogues"


@languages
def test_a_translation_keeps_variables_and_markup(language):
    changed = [
        (entry.msgid, text)
        for entry in catalogues.entries(language)
        for text in catalogues.texts_of(entry)
        if sorted(PARTS.findall(text)) != sorted(PARTS.findall(entry.msgid_plural or entry.msgid))
    ]
    assert not changed

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


def test_texts_for_people_use_one_term_for_two_factor_authentication():
    other = re.compile(r"second (step|factor)|two-step|2fa", re.IGNORECASE)
    assert not {message: file for message, file in catalogues.wanted().items() if other.search(message)}


@pytest.mark.parametrize("odd", [
    r"does not hold any more|holds again|It then holds", r"not any more", r"\bpresent (password|address|number)", r"called? (off|back)",
    r"is not right", r"\bThat were\b", r"kitchen|on this route", r"Prove (that )?it is you", r"contradicts",
])  # fmt: skip
def test_texts_for_people_avoid_what_readers_found_odd(odd):
    assert not {m: file for m, file in catalogues.wanted().items() if re.search(odd, m, re.IGNORECASE)}

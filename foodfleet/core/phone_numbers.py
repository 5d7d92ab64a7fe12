"""One spelling for each phone number: E.164."""

import unicodedata

import phonenumbers
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.utils.translation import gettext_lazy as _

E164 = RegexValidator(r"^\+[1-9][0-9]{6,14}\Z", _("Give the number with its country code, such as +4915123456789."))
LONGEST_SPELLING = 32  # characters of a number as people write it, with spaces and brackets
# For documents: other spellings that people use are taken too, and a number has to have a country code that exists.
PHONE_SCHEMA = {"format": "phone", "pattern": r"^\+[1-9][0-9 ()./-]{6,30}$", "example": "+4915123456789"}
# Digits of any script, spaces, dashes, brackets, and marks of direction that come along when a number is copied.
# Not letters: the library would take `FLOWERS` for digits and drop what stands around a number.
AFTER_PLUS = frozenset({"Nd", "Zs", "Pd", "Ps", "Pe", "Cf"})
BEFORE_PLUS = frozenset({"Zs", "Ps", "Cf"})


def normalize_phone(text: str) -> str:
    """The number in E.164 (`+491701234567`), however it is written with its country code; '' stays ''.

    Whether the number is in use is not checked: numbering plans change faster than any list, and a code sent by SMS
    there shows it. Raises Django's ValidationError for what is no number, or has no country code.
    """
    if not text.strip():
        return ""
    invalid = ValidationError(E164.message, code="invalid")
    if len(text) > LONGEST_SPELLING:
        raise invalid
    before, _plus, after = text.strip().replace("\uff0b", "+").partition("+")
    if not (_consists_of(BEFORE_PLUS, before) and _consists_of(AFTER_PLUS, after.replace(".", "").replace("/", ""))):
        raise invalid
    try:
        number = phonenumbers.parse(f"+{after}", None)
    except phonenumbers.NumberParseException as error:
        raise invalid from error
    formatted = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    if number.extension:
        raise invalid
    E164(formatted)
    return formatted


def _consists_of(categories: frozenset[str], text: str) -> bool:
    return all(unicodedata.category(char) in categories for char in text)

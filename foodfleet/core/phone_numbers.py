"""Normalization of phone numbers to E.164."""

import unicodedata

import phonenumbers
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.utils.translation import gettext_lazy as _

E164 = RegexValidator(r"^\+[1-9][0-9]{6,14}\Z", _("Give the number with its country code, such as +4915123456789."))
LONGEST_SPELLING = 32  # characters of a number as people write it, with spaces and brackets
# For the OpenAPI document. The API also accepts other notations, and refuses country codes that do not exist.
PHONE_SCHEMA = {"format": "phone", "pattern": r"^\+[1-9][0-9 ()./-]{6,30}$", "example": "+4915123456789"}
# Digits of any script, spaces, dashes, brackets, and direction marks, which are often copied with a number. Not
# letters: phonenumbers would convert `FLOWERS` to digits and drop text around a number.
AFTER_PLUS = frozenset({"Nd", "Zs", "Pd", "Ps", "Pe", "Cf"})
BEFORE_PLUS = frozenset({"Zs", "Ps", "Cf"})


def normalize_phone(text: str) -> str:
    """Return a number with country code, in any notation, in E.164 (`+491701234567`); '' stays ''.

    It is not checked whether the number is in use: numbering plans change faster than any list, and the code by SMS
    shows it. Raises Django's ValidationError for an invalid number or one without country code.
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

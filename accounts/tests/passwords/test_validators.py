"""The rules of PASSWORD_POLICY that Django lacks."""

import pytest
from django.core.exceptions import ValidationError

from accounts.services.passwords.validators import CompositionValidator, LengthValidator


def codes_of(validator, password):
    with pytest.raises(ValidationError) as refused:
        validator.validate(password)
    return {error.code for error in refused.value.error_list}


@pytest.mark.parametrize("password", ["x" * 8, "x" * 12, "🦆" * 8])
def test_lengths_at_the_limits_are_accepted(password):
    LengthValidator(8, 12).validate(password)


@pytest.mark.parametrize(
    ("password", "code"),
    [("", "password_too_short"), ("x" * 7, "password_too_short"), ("x" * 13, "password_too_long")],
)
def test_lengths_beyond_the_limits_are_refused(password, code):
    assert codes_of(LengthValidator(8, 12), password) == {code}


def test_letters_of_any_script_digits_and_spaces_count():
    CompositionValidator().validate("Äpfel ٣")  # an Arabic digit; a space is special
    CompositionValidator().validate("Grill-2026")


@pytest.mark.parametrize(
    ("password", "missing"),
    [
        ("grill-2026", {"password_no_upper"}),
        ("GRILL-2026", {"password_no_lower"}),
        ("Grill-Grill", {"password_no_digit"}),
        ("Grill2026", {"password_no_special"}),
        ("", {"password_no_upper", "password_no_lower", "password_no_digit", "password_no_special"}),
    ],
)
def test_each_missing_kind_is_named(password, missing):
    assert codes_of(CompositionValidator(), password) == missing


def test_the_texts_name_the_limits():
    assert "8" in LengthValidator(8, 12).get_help_text()
    with pytest.raises(ValidationError, match="Use 1 character at most"):
        LengthValidator(0, 1).validate("xx")

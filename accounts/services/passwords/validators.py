"""Password validators for the rules of PASSWORD_POLICY that Django lacks."""

from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import ngettext


class LengthValidator:
    """Requires from `minimum` to `maximum` characters."""

    live_rule = "length"  # the name under which site.js checks the rule while people type

    def __init__(self, minimum: int, maximum: int) -> None:
        self.minimum = minimum
        self.maximum = maximum

    def validate(self, password: str, user: Any = None) -> None:
        """Raise ValidationError for a password that is too short or too long."""
        if len(password) < self.minimum:
            raise ValidationError(self.get_help_text(), code="password_too_short")
        if len(password) > self.maximum:
            message = ngettext(
                "Use %(maximum)d character at most.", "Use %(maximum)d characters at most.", self.maximum
            )
            raise ValidationError(message % {"maximum": self.maximum}, code="password_too_long")

    def get_help_text(self) -> str:
        """Return the rule as a sentence."""
        message = ngettext("Use at least %(minimum)d character.", "Use at least %(minimum)d characters.", self.minimum)
        return message % {"minimum": self.minimum}


class CompositionValidator:
    """Requires an upper-case and a lower-case letter, a digit and a special character."""

    live_rule = "kinds"

    def validate(self, password: str, user: Any = None) -> None:
        """Raise ValidationError with one message for each kind that is missing."""
        rules = {
            "password_no_upper": (any(c.isupper() for c in password), _("Add an upper-case letter.")),
            "password_no_lower": (any(c.islower() for c in password), _("Add a lower-case letter.")),
            "password_no_digit": (any(c.isdigit() for c in password), _("Add a digit.")),
            "password_no_special": (any(not c.isalnum() for c in password), _("Add a special character.")),
        }
        problems = [ValidationError(message, code=code) for code, (present, message) in rules.items() if not present]
        if problems:
            raise ValidationError(problems)

    def get_help_text(self) -> str:
        """Return the rule as a sentence."""
        return _("Use upper- and lower-case letters, a digit and a special character.")

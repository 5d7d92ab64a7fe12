"""Names of people: one line of text without links."""

import re
import unicodedata

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

LONGEST_NAME = 150
# Format characters that names of people contain: joiners of Persian and Indic scripts, and marks of direction.
FORMAT_IN_NAMES = frozenset("\u200c\u200d\u200e\u200f\u061c")
# Controls, format characters (overrides and isolates of direction among them), surrogates, line and paragraph ends.
REFUSED_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
# Text that programs turn into links: `https://`, `www.`, an e-mail address, a domain; not `J.R.` or `J.Smith`.
LINK = re.compile(r"://|www\.|@|[^\W_]{2}\.[^\W\d_]{2}|\w\.\w{2,24}/", re.IGNORECASE)


def validate_name(value: str) -> None:
    """Raise ValidationError for a name with line breaks, control characters or a link.

    Anybody can register somebody else's address, and e-mails to it begin with the name, which must not be a message.
    """
    text = value[: LONGEST_NAME + 1]  # the field refuses longer ones
    if any(unicodedata.category(char) in REFUSED_CATEGORIES and char not in FORMAT_IN_NAMES for char in text):
        raise ValidationError(_("Line breaks and control characters are not allowed here."), code="control_characters")
    if has_link(text):
        message = _("A name must not contain a web or e-mail address. Put a space after a dot.")
        raise ValidationError(message, code="link")


def has_link(text: str) -> bool:
    """Return whether mail programs would turn a part of `text` into a link."""
    plain = unicodedata.normalize("NFKC", text).replace("\u3002", ".")  # the full stop of Chinese divides domains too
    return LINK.search(plain) is not None

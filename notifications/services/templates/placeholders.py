"""`{{name}}` placeholders of SMS templates. Values are inserted as text and never evaluated."""

import re
from collections.abc import Mapping

from django.utils.translation import gettext_lazy as _

from notifications.exceptions import InvalidTemplateException

PLACEHOLDER = re.compile(r"\{\{([A-Za-z][A-Za-z0-9_]{0,63})\}\}")
Variables = Mapping[str, object]


def names(content: str) -> list[str]:
    """Return the distinct names of the placeholders of `content`, in order."""
    return list(dict.fromkeys(PLACEHOLDER.findall(content)))


def check(content: str, *, field: str) -> None:
    """Raise InvalidTemplateException for a brace that does not belong to a placeholder."""
    if re.search(r"[{}]", PLACEHOLDER.sub("", content)):
        message = _("Use braces only for placeholders such as {{code}}, without spaces, filters, dots or tags.")
        raise InvalidTemplateException.for_field(field, message, "invalid_placeholder")


def fill(content: str, variables: Variables) -> str:
    """Replace the placeholders in one pass, so that placeholders in values are not replaced.

    A placeholder without a value stays unchanged; see `missing`.
    """
    return PLACEHOLDER.sub(lambda found: _text_of(variables.get(found[1])) or found[0], content)


def missing(content: str, variables: Variables) -> list[str]:
    """Return the placeholders of `content` without a value, or with a blank one."""
    return [name for name in names(content) if is_blank(variables.get(name))]


def is_blank(value: object) -> bool:
    """Return whether the value has no visible character."""
    return not _text_of(value).strip()


def _text_of(value: object) -> str:
    return "" if value is None else str(value)

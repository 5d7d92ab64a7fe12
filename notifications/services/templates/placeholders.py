"""`{{name}}` in texts that staff write, and nothing else: values are put in as text and never evaluated."""

import re
from collections.abc import Mapping

from django.utils.translation import gettext_lazy as _

from notifications.exceptions import InvalidTemplateException

PLACEHOLDER = re.compile(r"\{\{([A-Za-z][A-Za-z0-9_]{0,63})\}\}")
Variables = Mapping[str, object]


def names(content: str) -> list[str]:
    """The names of the placeholders of `content`, each once, in their order."""
    return list(dict.fromkeys(PLACEHOLDER.findall(content)))


def check(content: str, *, field: str) -> None:
    """Raises InvalidTemplateException where a brace stands for anything but a placeholder."""
    if re.search(r"[{}]", PLACEHOLDER.sub("", content)):
        message = _("Braces may stand for placeholders such as {{code}} only: no spaces, filters, dots or tags.")
        raise InvalidTemplateException.for_field(field, message, "invalid_placeholder")


def fill(content: str, variables: Variables) -> str:
    """Put the values in, in one pass: a value that looks like a placeholder stays what it is.

    A placeholder without a value stays as it is written; see `missing`.
    """
    return PLACEHOLDER.sub(lambda found: _text_of(variables.get(found[1])) or found[0], content)


def missing(content: str, variables: Variables) -> list[str]:
    """The placeholders of `content` that `variables` give no value, or a blank one."""
    return [name for name in names(content) if is_blank(variables.get(name))]


def is_blank(value: object) -> bool:
    """Whether nothing would be seen of it."""
    return not _text_of(value).strip()


def _text_of(value: object) -> str:
    return "" if value is None else str(value)

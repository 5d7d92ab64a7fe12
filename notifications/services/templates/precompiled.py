"""E-mails that are rendered once with placeholders for the values, and then filled for each message.

Rendering an e-mail and inlining its CSS takes thirty times as long as filling the placeholders.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape

# Private-use characters: templates do not contain them, and neither escaping nor HTML parsers change them.
BEGIN, END = "\ue000", "\ue001"
PLACEHOLDER = re.compile(f"{BEGIN}([a-z_0-9]+){END}")
LONGEST_VALUE = 10_000  # characters; with longer values the e-mail is rendered, which limits its size


@dataclass(frozen=True)
class EmailContent:
    """The subject (one line), text and HTML of an e-mail, with CSS inline. version: 0 for the product's own."""

    subject: str
    text: str
    html: str
    version: int = 0


def accepts(values: Mapping[str, object]) -> bool:
    """Return whether all values are plain text. Safe HTML is not escaped, and numbers may choose a plural form."""
    return all(type(value) is str and len(value) <= LONGEST_VALUE for value in values.values())


def placeholder(name: str) -> str:
    """Return the placeholder of a variable in a precompiled e-mail."""
    return f"{BEGIN}{name}{END}"


class PrecompiledEmail:
    """An e-mail that was rendered with placeholders."""

    def __init__(self, content: EmailContent) -> None:
        # Each is a list of text and names of variables alternately.
        self._subject, self._text, self._html = map(PLACEHOLDER.split, (content.subject, content.text, content.html))
        self._version = content.version

    def filled(self, values: Mapping[str, str]) -> EmailContent:
        """Return the content with these values, which are escaped in HTML."""
        escaped = {name: escape(value) for name, value in values.items()}
        return EmailContent(
            " ".join(_fill(self._subject, values).split()),
            _fill(self._text, values).strip() + "\n",
            _fill(self._html, escaped),
            self._version,
        )


def _fill(parts: list[str], values: Mapping[str, str]) -> str:
    return "".join([values[part] if index % 2 else part for index, part in enumerate(parts)])

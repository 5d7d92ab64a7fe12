"""E-mails that are rendered once with a placeholder for each value, and then filled for each message.

Rendering the files of an e-mail and moving its CSS inline takes thirty times as long as filling the placeholders.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape

# Characters for private use: no template contains them, and neither escaping nor an HTML parser changes them.
BEGIN, END = "\ue000", "\ue001"
PLACEHOLDER = re.compile(f"{BEGIN}([a-z_0-9]+){END}")
LONGEST_VALUE = 10_000  # characters; longer content is rendered, which limits its size


@dataclass(frozen=True)
class EmailContent:
    """The subject (one line), text and HTML of an e-mail, with CSS inline. version: 0 for the product's own."""

    subject: str
    text: str
    html: str
    version: int = 0


def accepts(values: Mapping[str, object]) -> bool:
    """Whether these values can be filled in: text that is not marked as safe HTML. A number may choose a plural."""
    return all(type(value) is str and len(value) <= LONGEST_VALUE for value in values.values())


def placeholder(name: str) -> str:
    """Return what stands for the value of a variable while an e-mail is precompiled."""
    return f"{BEGIN}{name}{END}"


class PrecompiledEmail:
    """An e-mail that was rendered with placeholders."""

    def __init__(self, content: EmailContent) -> None:
        # Text and names of variables in turn.
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

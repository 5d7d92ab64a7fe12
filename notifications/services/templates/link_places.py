"""Where a link may stand in the words of a mail: never glued to another address.

A mail program makes one link of `https://other.example/` with a value right behind it, and whoever follows it shows the
value - a link that opens an account - to that host.
"""

import re
import unicodedata

from django.template.base import Lexer, Token, TokenType

from notifications.services.compose.html import unescaped

LINK_NAME = re.compile(r"[a-z0-9_]*(?:link|url)")
LINK, VALUE = "\ue000", "\ue001"  # of the private use area: what they stand for in words that are looked at
# Elements at which a reader sees no gap.
SEAMLESS = frozenset({
    "a", "abbr", "b", "big", "cite", "code", "del", "em", "font", "i", "ins", "kbd", "mark", "q", "s", "small", "span",
    "strike", "strong", "sub", "sup", "tt", "u",
})  # fmt: skip
_GLUE = re.compile(rf"[/\\?#=&%@{VALUE}]")


def is_link(name: str) -> bool:
    """Whether the variable of this name is a link."""
    return LINK_NAME.fullmatch(name) is not None


def is_glued(source: str, *, is_html: bool) -> bool:
    """Whether `source`, a template in itself correct, shows a link right behind what may be the start of an address."""
    words = "".join(map(_seen, Lexer(source.replace(LINK, " ").replace(VALUE, " ")).tokenize()))
    if is_html:
        words = unescaped(re.sub(r"</?([A-Za-z0-9]+)[^>]*>", _gap, words))
    before = words.split(LINK)[:-1]
    return any(_GLUE.search(unicodedata.normalize("NFKC", _last_run(part))) for part in before)


def _last_run(part: str) -> str:
    """The end of `part` that a reader takes for one word; what is open in angle brackets is one over white space."""
    if part.rfind("<") > part.rfind(">"):
        return part[part.rfind("<") :]
    return "" if not part or part[-1].isspace() else part.rsplit(maxsplit=1)[-1]


def _seen(token: Token) -> str:
    contents, kind = str(token.contents), token.token_type
    if kind == TokenType.VAR:
        return LINK if is_link(re.split(r"[ |]", contents)[0]) else VALUE
    return contents if kind == TokenType.TEXT else ""


def _gap(tag: re.Match[str]) -> str:
    return "" if tag[1].lower() in SEAMLESS else " "

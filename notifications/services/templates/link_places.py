"""Check that no link in an e-mail template directly follows another URL.

Mail programs would turn `https://other.example/` and a link directly after it into one URL. A click would send the
link, which may contain a token, to the other host.
"""

import re
import unicodedata

from django.template.base import Lexer, Token, TokenType

from notifications.services.compose.html import unescaped

LINK_NAME = re.compile(r"[a-z0-9_]*(?:link|url)")
LINK, VALUE = "\ue000", "\ue001"  # private-use characters that replace links and other values in the checked text
# Inline elements, which are shown without a space around them.
SEAMLESS = frozenset({
    "a", "abbr", "b", "big", "cite", "code", "del", "em", "font", "i", "ins", "kbd", "mark", "q", "s", "small", "span",
    "strike", "strong", "sub", "sup", "tt", "u",
})  # fmt: skip
_JOINER = re.compile(rf"[/\\?#=&%@{VALUE}]")


def is_link(name: str) -> bool:
    """Return whether a variable with this name is a link."""
    return LINK_NAME.fullmatch(name) is not None


def follows_address(source: str, *, is_html: bool) -> bool:
    """Return whether a valid template contains a link directly after text that may be the start of a URL."""
    words = "".join(map(_visible, Lexer(source.replace(LINK, " ").replace(VALUE, " ")).tokenize()))
    if is_html:
        words = unescaped(re.sub(r"</?([A-Za-z0-9]+)[^>]*>", _space, words))
    before = words.split(LINK)[:-1]
    return any(_JOINER.search(unicodedata.normalize("NFKC", _last_run(part))) for part in before)


def _last_run(part: str) -> str:
    """Return the last word of `part`; an open angle bracket starts a word that may contain spaces."""
    if part.rfind("<") > part.rfind(">"):
        return part[part.rfind("<") :]
    return "" if not part or part[-1].isspace() else part.rsplit(maxsplit=1)[-1]


def _visible(token: Token) -> str:
    contents, kind = str(token.contents), token.token_type
    if kind == TokenType.VAR:
        return LINK if is_link(re.split(r"[ |]", contents)[0]) else VALUE
    return contents if kind == TokenType.TEXT else ""


def _space(tag: re.Match[str]) -> str:
    return "" if tag[1].lower() in SEAMLESS else " "

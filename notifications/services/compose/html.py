"""HTML of mails: bounds on it, the style brought inline, and a text made from it.

Libraries were measured for the text: html2text and the standard library's parser need time with the square of their
input, and what builds a tree (lxml, html5ever, lexbor) with the square of its depth. This scanner builds none, and
looks at each character a bounded number of times.
"""

import re
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from html import unescape

import css_inline
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from foodfleet.core.exceptions import ValidationException

_INLINER = css_inline.CSSInliner(
    keep_style_tags=True, keep_at_rules=True, remove_inlined_selectors=True, load_remote_stylesheets=False
)
MOST_HTML = 500_000  # characters; Gmail cuts a mail off at 102 KB
# What is brought inline becomes a tree. Its cost grows with the square of its depth and with the product of elements
# and rules, and its stack is the thread's: one of 2 MB overflows at 3,000 levels, which ends the process.
MOST_DEPTH = 150
MOST_TAGS = 5_000
MOST_STYLE = 50_000  # characters
BLOCKS = frozenset({
    "address", "article", "aside", "blockquote", "div", "dl", "dt", "dd", "fieldset", "footer", "form", "h1", "h2",
    "h3", "h4", "h5", "h6", "header", "hr", "main", "nav", "ol", "p", "pre", "section", "table", "tr", "ul",
})  # fmt: skip
SILENT = frozenset({"head", "style", "script", "title", "template"})
RAW = frozenset({"script", "style", "title", "textarea", "xmp", "iframe", "noembed", "noframes"})  # hold no tags
FOREIGN = frozenset({"frameset", "math", "svg"})
VOID = frozenset({
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr",
})  # fmt: skip
# A start tag of these ends the elements named, where they are the innermost.
ENDS = {
    "p": {"p"}, "li": {"p", "li"}, "dt": {"p", "dt", "dd"}, "dd": {"p", "dt", "dd"}, "td": {"p", "td", "th"},
    "th": {"p", "td", "th"}, "tr": {"p", "td", "th", "tr"}, "tbody": {"p", "td", "th", "tr", "thead", "tbody"},
}  # fmt: skip
IMPLIED = frozenset().union(*ENDS.values())  # the end tag of an element around them ends these too
# Behind these an end tag ends nothing (HTML, 13.2.6: scopes and the "special" elements); the others are inline.
BARRIERS = (BLOCKS | SILENT | RAW | {
    "applet", "body", "button", "caption", "center", "details", "dir", "figcaption", "figure", "html", "main",
    "marquee", "menu", "noscript", "object", "select", "summary", "tfoot", "thead",
}) - IMPLIED  # fmt: skip
# Possessive throughout: whether it matches is known after one look at the characters.
_ATTRIBUTE = r"""(=++[^\s/>=]*+|[^\s/>=]++)(?:\s*+=\s*+(?:"([^"]*+)"|'([^']*+)'|((?!["'])[^\s>]*+)))?+"""
_ATTRIBUTES = re.compile(_ATTRIBUTE)
_MARKUP = re.compile(r"<(?=[!?A-Za-z]|/[A-Za-z])")  # any other < is a word
_TAG = re.compile(rf"<(/?)([A-Za-z][^\s/>]*+)((?:[\s/]++|{_ATTRIBUTE})*+)>")
_LONG_REFERENCE = re.compile(r"&#[0-9]{20,}+;?")  # far beyond Unicode; `unescape` fails on thousands of digits


@dataclass(frozen=True)
class Piece:
    """A tag (its name in lower case) or, where `name` is '', words as they stand."""

    name: str = ""
    is_end: bool = False
    source: str = ""  # of a tag: its attributes


def check(html: str) -> None:
    """Raises ValidationException for HTML that is larger than a mail's."""
    if len(html) > MOST_HTML:
        raise _too(_("The HTML of a mail has %(most)s characters at most.") % {"most": MOST_HTML}, "max_length")


def with_inline_styles(html: str) -> str:
    """Mail programs drop style tags: each rule is put on the elements that it is for. Nothing is loaded.

    Raises ValidationException for HTML that has too many elements for that, or elements within elements too deeply.
    """
    return _INLINER.inline(html) if "<style" in html.lower() and _fits_into_tree(html) else html


def with_link_below(html: str, address: str, label: str) -> str:
    """`html` with a small link at its end, inside of its body where it has one."""
    end = html.lower().rfind("</body")
    end = len(html) if end < 0 else end
    link = format_html('<p style="margin-top:24px;font-size:12px"><a href="{}">{}</a></p>', address, label)
    return f"{html[:end]}{link}{html[end:]}"


def unescaped(text: str) -> str:
    """`text` with each character reference as its character."""
    return unescape(_LONG_REFERENCE.sub("\ufffd", text))


def as_text(html: str) -> str:
    """What a reader without HTML gets: paragraphs, list marks, and links with their addresses."""
    words = _Words()
    for piece in pieces(html):
        if not piece.name:
            words.add(piece.source)
        elif piece.is_end:
            words.end(piece.name)
        else:
            words.start(piece)
    return words.text()


def pieces(html: str) -> Iterator[Piece]:
    """The tags and words of `html`, in their order; a tag without its `>` and what follows it are dropped."""
    position = 0
    while position < len(html):
        begin = found.start() if (found := _MARKUP.search(html, position)) else len(html)
        if begin > position:
            yield Piece(source=html[position:begin])
        if html.startswith(("<!", "<?"), begin):
            position = _after_comment(html, begin)
            continue
        tag = _TAG.match(html, begin)
        if tag is None:
            return
        name, is_end = tag[2].lower(), bool(tag[1])
        yield Piece(name, is_end, tag[3])
        position = tag.end()
        if name in RAW and not is_end:
            position, words = _after_raw(html, position, name)
            yield Piece(source=words)


def _after_comment(html: str, begin: int) -> int:
    is_comment = html.startswith("<!--", begin)
    end = html.find("-->" if is_comment else ">", begin + 2)
    return len(html) if end < 0 else end + (3 if is_comment else 1)


def _after_raw(html: str, begin: int, name: str) -> tuple[int, str]:
    """Where the end tag of an element without tags in it begins, and what stands before it."""
    end = re.compile(rf"(?i)</{re.escape(name)}(?=[\s/>])").search(html, begin)
    stop = end.start() if end else len(html)
    return stop, html[begin:stop]


def _fits_into_tree(html: str) -> bool:
    """False for HTML with other languages in it, whose rules of nesting are others. Raises ValidationException."""
    tags = style = 0
    open_elements: list[str] = []
    is_style = False
    for piece in pieces(html):
        if not piece.name:
            style += len(piece.source) if is_style else 0
            continue
        if piece.name in FOREIGN:
            return False
        is_style = piece.name == "style" and not piece.is_end
        if piece.is_end:
            _close(open_elements, piece.name)
        else:
            tags += 1
            _open(open_elements, piece.name)
        if len(open_elements) > MOST_DEPTH:
            raise _too(_("Elements of the HTML stand in each other too deeply."), "too_deep")
        if tags > MOST_TAGS or style > MOST_STYLE:
            raise _too(_("The HTML has too many elements, or too many rules of style."), "too_many_elements")
    return True


def _open(elements: list[str], name: str) -> None:
    ended: AbstractSet[str] = ENDS.get(name, frozenset())
    while elements and elements[-1] in ended:
        elements.pop()
    if name not in VOID:
        elements.append(name)


def _close(elements: list[str], name: str) -> None:
    """End the innermost element of this name, and what its end implies the end of.

    An end tag that a reader of HTML may ignore ends nothing here, and inline elements end by their own alone (a reader
    opens them again): so never fewer are open here than in a reader's tree.
    """
    is_inline = name not in BARRIERS | IMPLIED
    for index in range(len(elements) - 1, -1, -1):
        if elements[index] == name:
            elements[index:] = [element for element in elements[index + 1 :] if element not in IMPLIED]
            return
        if elements[index] in BARRIERS or (is_inline and elements[index] in IMPLIED):
            return


def _too(message: Promise | str, code: str) -> ValidationException:
    return ValidationException.for_field("html", message, code)


class _Words:
    """Collects the words."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._silent = 0
        self._link: tuple[str, int] | None = None  # links do not stand in each other

    def start(self, piece: Piece) -> None:
        """A tag begins an element."""
        name = piece.name
        if name in SILENT:
            self._silent += 1
        elif name == "body":
            self._silent = 0  # whatever the head left open
        elif name == "a":
            self._link = _value(piece, "href"), len(self._parts)
        elif name == "img":
            self._parts.append(_value(piece, "alt"))
        elif name == "br":
            self._parts.append("\n")
        elif name == "li":
            self._parts.append("\n- ")
        elif name in {"td", "th"}:
            self._parts.append(" ")
        elif name in BLOCKS:
            self._parts.append("\n\n")

    def end(self, name: str) -> None:
        """A tag ends an element."""
        if name in SILENT:
            self._silent = max(0, self._silent - 1)
        elif name == "a" and self._link is not None:
            (address, begins), self._link = self._link, None
            words = "".join(self._parts[begins:]).strip()
            if address and address not in {words, f"mailto:{words}"} and not address.startswith("#"):
                self._parts.append(f" ({address.removeprefix('mailto:')})")
        elif name in BLOCKS:
            self._parts.append("\n\n")

    def add(self, source: str) -> None:
        """Words stand here."""
        if not self._silent:
            self._parts.append(re.sub(r"\s+", " ", unescaped(source)))

    def text(self) -> str:
        """All of it, with at most one empty line between two others."""
        lines = [re.sub(r"[ \t\xa0]+", " ", line).strip() for line in "".join(self._parts).split("\n")]
        return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip() + "\n"


def _value(piece: Piece, name: str) -> str:
    for found in _ATTRIBUTES.finditer(piece.source):
        if found[1].lower() == name:
            return unescaped(found[2] or found[3] or found[4] or "")
    return ""

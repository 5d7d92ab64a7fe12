"""HTML of e-mails: size limits, inline CSS, and conversion to text.

The conversion uses a scanner that builds no tree and takes linear time. Of the libraries that were measured, html2text
and the standard library's parser take quadratic time, and parsers that build a tree (lxml, html5ever, lexbor) take time
quadratic in its depth.
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

# Rules for small and dark screens cannot be inlined: they alone stay in the style element.
INLINER = css_inline.CSSInliner(
    keep_style_tags=True, keep_at_rules=True, remove_inlined_selectors=True, load_remote_stylesheets=False
)
MOST_HTML = 500_000  # characters; Gmail shows only the first 102 KB
# The inliner builds a tree. Its cost is quadratic in the depth and grows with elements times rules, and it recurses on
# the thread's stack: 3,000 levels overflow 2 MB, which ends the process.
MOST_DEPTH = 150
MOST_TAGS = 5_000
MOST_STYLE = 50_000  # characters
BLOCKS = frozenset({
    "address", "article", "aside", "blockquote", "div", "dl", "dt", "dd", "fieldset", "footer", "form", "h1", "h2",
    "h3", "h4", "h5", "h6", "header", "hr", "main", "nav", "ol", "p", "pre", "section", "table", "tr", "ul",
})  # fmt: skip
SILENT = frozenset({"head", "style", "script", "title", "template"})
RAW = frozenset({"script", "style", "title", "textarea", "xmp", "iframe", "noembed", "noframes"})  # contain no tags
FOREIGN = frozenset({"frameset", "math", "svg"})
VOID = frozenset({
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr",
})  # fmt: skip
# A start tag of the key implicitly closes these elements, where they are the innermost.
ENDS = {
    "p": {"p"}, "li": {"p", "li"}, "dt": {"p", "dt", "dd"}, "dd": {"p", "dt", "dd"}, "td": {"p", "td", "th"},
    "th": {"p", "td", "th"}, "tr": {"p", "td", "th", "tr"}, "tbody": {"p", "td", "th", "tr", "thead", "tbody"},
}  # fmt: skip
IMPLIED = frozenset().union(*ENDS.values())  # the end tag of a parent closes these too
# An end tag closes no element outside of these (HTML, 13.2.6: scopes and "special" elements); all others are inline.
BARRIERS = (BLOCKS | SILENT | RAW | {
    "applet", "body", "button", "caption", "center", "details", "dir", "figcaption", "figure", "html", "main",
    "marquee", "menu", "noscript", "object", "select", "summary", "tfoot", "thead",
}) - IMPLIED  # fmt: skip
# Possessive quantifiers throughout, so that matching takes linear time.
_ATTRIBUTE = r"""(=++[^\s/>=]*+|[^\s/>=]++)(?:\s*+=\s*+(?:"([^"]*+)"|'([^']*+)'|((?!["'])[^\s>]*+)))?+"""
_ATTRIBUTES = re.compile(_ATTRIBUTE)
_MARKUP = re.compile(r"<(?=[!?A-Za-z]|/[A-Za-z])")  # any other < is text
_TAG = re.compile(rf"<(/?)([A-Za-z][^\s/>]*+)((?:[\s/]++|{_ATTRIBUTE})*+)>")
_LONG_REFERENCE = re.compile(r"&#[0-9]{20,}+;?")  # far beyond Unicode; `unescape` fails on thousands of digits


@dataclass(frozen=True)
class Piece:
    """A tag with its lower-case name, or text where `name` is ''."""

    name: str = ""
    is_end: bool = False
    source: str = ""  # the attributes of a tag, or the text


def check(html: str) -> None:
    """Raise ValidationException for HTML that is too large for an e-mail."""
    if len(html) > MOST_HTML:
        raise _error(_("The HTML of an e-mail has at most %(most)s characters.") % {"most": MOST_HTML}, "max_length")


def with_inline_styles(html: str) -> str:
    """Return `html` with its CSS rules in style attributes, because mail programs drop style elements.

    Loads nothing. Raises ValidationException for HTML with too many or too deeply nested elements.
    """
    return INLINER.inline(html) if "<style" in html.lower() and _fits_into_tree(html) else html


def with_link_below(html: str, address: str, label: str) -> str:
    """Return `html` with a small link at the end of its body."""
    end = html.lower().rfind("</body")
    end = len(html) if end < 0 else end
    link = format_html('<p style="margin-top:24px;font-size:12px"><a href="{}">{}</a></p>', address, label)
    return f"{html[:end]}{link}{html[end:]}"


def unescaped(text: str) -> str:
    """Return `text` with its character references replaced."""
    return unescape(_LONG_REFERENCE.sub("\ufffd", text))


def as_text(html: str) -> str:
    """Convert `html` to plain text with paragraphs, list marks and the addresses of links."""
    words = _TextBuilder()
    for piece in pieces(html):
        if not piece.name:
            words.add(piece.source)
        elif piece.is_end:
            words.end(piece.name)
        else:
            words.start(piece)
    return words.text()


def pieces(html: str) -> Iterator[Piece]:
    """Yield the tags and text of `html` in order. Stops at a tag without `>`."""
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
    """Return the start of the end tag of a raw-text element, and the text before it."""
    end = re.compile(rf"(?i)</{re.escape(name)}(?=[\s/>])").search(html, begin)
    stop = end.start() if end else len(html)
    return stop, html[begin:stop]


def _fits_into_tree(html: str) -> bool:
    """Return False for HTML with SVG, MathML or frames, whose nesting differs. Raises ValidationException."""
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
            raise _error(_("The HTML elements are nested too deeply."), "too_deep")
        if tags > MOST_TAGS or style > MOST_STYLE:
            raise _error(_("The HTML has too many elements or CSS rules."), "too_many_elements")
    return True


def _open(elements: list[str], name: str) -> None:
    ended: AbstractSet[str] = ENDS.get(name, frozenset())
    while elements and elements[-1] in ended:
        elements.pop()
    if name not in VOID:
        elements.append(name)


def _close(elements: list[str], name: str) -> None:
    """Close the innermost element of this name, and the elements that its end implies.

    Ignores end tags that an HTML parser may ignore, and closes inline elements by their own end tag only (a parser
    reopens them). So the depth counted here is never less than in a parser's tree.
    """
    is_inline = name not in BARRIERS | IMPLIED
    for index in range(len(elements) - 1, -1, -1):
        if elements[index] == name:
            elements[index:] = [element for element in elements[index + 1 :] if element not in IMPLIED]
            return
        if elements[index] in BARRIERS or (is_inline and elements[index] in IMPLIED):
            return


def _error(message: Promise | str, code: str) -> ValidationException:
    return ValidationException.for_field("html", message, code)


class _TextBuilder:
    """Builds plain text from tags and text."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._silent = 0
        self._link: tuple[str, int] | None = None  # links are not nested

    def start(self, piece: Piece) -> None:
        """Handle a start tag."""
        name = piece.name
        if name in SILENT:
            self._silent += 1
        elif name == "body":
            self._silent = 0  # close what the head left open
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
        """Handle an end tag."""
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
        """Add text."""
        if not self._silent:
            self._parts.append(re.sub(r"\s+", " ", unescaped(source)))

    def text(self) -> str:
        """Return the text with at most one empty line in a row."""
        lines = [re.sub(r"[ \t\xa0]+", " ", line).strip() for line in "".join(self._parts).split("\n")]
        return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip() + "\n"


def _value(piece: Piece, name: str) -> str:
    for found in _ATTRIBUTES.finditer(piece.source):
        if found[1].lower() == name:
            return unescaped(found[2] or found[3] or found[4] or "")
    return ""

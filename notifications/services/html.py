"""HTML of mails: the style brought inline, and a text made from it."""

import re
from html.parser import HTMLParser

import css_inline
from django.utils.html import format_html

_INLINER = css_inline.CSSInliner(
    keep_style_tags=True, keep_at_rules=True, remove_inlined_selectors=True, load_remote_stylesheets=False
)
BLOCKS = frozenset({
    "address", "article", "aside", "blockquote", "div", "dl", "dt", "dd", "fieldset", "footer", "form", "h1", "h2",
    "h3", "h4", "h5", "h6", "header", "hr", "main", "nav", "ol", "p", "pre", "section", "table", "tr", "ul",
})  # fmt: skip
SILENT = frozenset({"head", "style", "script", "title", "template"})


def with_inline_styles(html: str) -> str:
    """Mail programs drop style tags: each rule is put on the elements that it is for. Nothing is loaded."""
    return _INLINER.inline(html) if "<style" in html.lower() else html


def with_link_below(html: str, address: str, label: str) -> str:
    """`html` with a small link at its end, inside of its body where it has one."""
    end = html.lower().rfind("</body")
    end = len(html) if end < 0 else end
    link = format_html('<p style="margin-top:24px;font-size:12px"><a href="{}">{}</a></p>', address, label)
    return f"{html[:end]}{link}{html[end:]}"


def as_text(html: str) -> str:
    """What a reader without HTML gets: paragraphs, list marks, and links with their addresses."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return reader.text()


class _Reader(HTMLParser):
    """Collects the words."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._parts: list[str] = []
        self._silent = 0
        self._links: list[tuple[str, int]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag in SILENT:
            self._silent += 1
        elif tag == "a":
            self._links.append((values.get("href") or "", len(self._parts)))
        elif tag == "img" and values.get("alt"):
            self._parts.append(values["alt"] or "")
        elif tag == "br":
            self._parts.append("\n")
        elif tag == "li":
            self._parts.append("\n- ")
        elif tag in {"td", "th"}:
            self._parts.append(" ")
        elif tag in BLOCKS:
            self._parts.append("\n\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in SILENT:
            self._silent = max(0, self._silent - 1)
        elif tag == "a" and self._links:
            address, begins = self._links.pop()
            words = "".join(self._parts[begins:]).strip()
            if address and address not in {words, f"mailto:{words}"} and not address.startswith("#"):
                self._parts.append(f" ({address.removeprefix('mailto:')})")
        elif tag in BLOCKS:
            self._parts.append("\n\n")

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self._parts.append(re.sub(r"\s+", " ", data))

    def text(self) -> str:
        """All of it, with at most one empty line between two others."""
        lines = [re.sub(r"[ \t\xa0]+", " ", line).strip() for line in "".join(self._parts).split("\n")]
        return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip() + "\n"

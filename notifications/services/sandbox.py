"""Templates of mails that staff write: variables, a handful of filters and `if`, and nothing that loads or calls.

Two walls: each tag is held against a grammar of our own, then compiled by an engine of Django's that has no loader, no
library, and no builtins but these. Values are plain texts, so there is nothing on them to reach for.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from html.parser import HTMLParser

from django.template import Context, Engine, Library, TemplateSyntaxError, defaultfilters, defaulttags
from django.template.base import Lexer, TokenType
from django.utils.translation import gettext_lazy as _

from notifications.exceptions import InvalidTemplateException

register = Library()
register.tag("if", defaulttags.do_if)
for _filter in (defaultfilters.default, defaultfilters.upper, defaultfilters.lower, defaultfilters.capfirst):
    register.filter(_filter)

_NAME = r"[a-z][a-z0-9_]*"
VARIABLE = re.compile(rf'({_NAME})(?:\|(?:upper|lower|capfirst|default:"[^"{{}}%\\]*"))*')
CONDITION = re.compile(rf"(?:if|elif) (?:not )?{_NAME}(?: (?:and|or) (?:not )?{_NAME})*")
MAX_DEPTH = 10
MAX_RENDERED = 500_000  # characters: far more than a mail needs, far less than hurts

FORBIDDEN_TAGS = {
    "script", "iframe", "object", "embed", "applet", "form", "input", "button", "textarea", "select",
    "link", "meta", "base", "html", "head", "body", "svg", "math", "frame", "frameset", "video", "audio",
}  # fmt: skip
ADDRESS_ATTRIBUTES = {"href", "src", "background", "srcset", "action", "formaction", "poster", "data"}
ADDRESS = re.compile(r'(?:https?://|mailto:|tel:|cid:|#)[^{}"]*|\{\{ ?[a-z_]*(?:link|url) ?\}\}')


class _Engine(Engine):
    default_builtins = ["notifications.services.sandbox"]


_HTML = _Engine(dirs=[], loaders=[("django.template.loaders.locmem.Loader", {})], libraries={}, autoescape=True)
_TEXT = _Engine(dirs=[], loaders=[("django.template.loaders.locmem.Loader", {})], libraries={}, autoescape=False)


@dataclass(frozen=True)
class Used:
    """The names that a template shows, and those that it only asks about."""

    shown: frozenset[str]
    asked: frozenset[str]


def check(source: str, *, field: str, is_html: bool) -> Used:
    """Which variables `source` uses. Raises InvalidTemplateException for anything that is not allowed in it."""
    try:
        used = _check_tags(source)
        if is_html:
            _check_html(source)
        (_HTML if is_html else _TEXT).from_string(source)
    except (TemplateSyntaxError, _NotAllowedError) as error:
        raise InvalidTemplateException.for_field(field, str(error), "not_allowed") from None
    return used


def render_html(source: str, values: Mapping[str, object]) -> str:
    """`source` with each value escaped for HTML."""
    return _render(_HTML, source, values)


def render_text(source: str, values: Mapping[str, object]) -> str:
    """`source` with the values as they are."""
    return _render(_TEXT, source, values)


def _render(engine: Engine, source: str, values: Mapping[str, object]) -> str:
    plain = {name: "" if value is None else "".join(str(value)) for name, value in values.items()}
    return str(engine.from_string(source).render(Context(plain, autoescape=engine.autoescape)))[:MAX_RENDERED]


class _NotAllowedError(Exception):
    """Says what, to whoever wrote it."""


def _check_tags(source: str) -> Used:
    shown, asked, depth = set(), set(), 0
    for token in Lexer(source).tokenize():
        if token.token_type == TokenType.VAR:
            if not (found := VARIABLE.fullmatch(token.contents)):
                raise _not_allowed(f"{{{{ {token.contents} }}}}")
            shown.add(found[1])
        elif token.token_type == TokenType.BLOCK:
            asked |= _names_in_block(token.contents)
            depth += {"if": 1, "endif": -1}.get(token.contents.split(" ")[0], 0)
            if depth > MAX_DEPTH:
                raise _NotAllowedError(_("Conditions stand in each other too deeply."))
        elif token.token_type == TokenType.TEXT and re.search(r"\{[{%#]", token.contents):
            raise _not_allowed(token.contents[token.contents.index("{") :])
    return Used(frozenset(shown), frozenset(asked))


def _names_in_block(contents: str) -> set[str]:
    if contents in {"else", "endif"}:
        return set()
    if not CONDITION.fullmatch(contents):
        raise _not_allowed(f"{{% {contents} %}}")
    return set(contents.split()[1:]) - {"not", "and", "or"}


def _not_allowed(what: str) -> _NotAllowedError:
    return _NotAllowedError(_("This is not allowed in a template: %(what)s") % {"what": what[:80]})


def _check_html(source: str) -> None:
    if re.search(r"=\s*\{\{", source):
        raise _NotAllowedError(_("Values of attributes stand in quotes."))
    parser = _HtmlCheck()
    parser.feed(source)
    parser.close()


class _HtmlCheck(HTMLParser):
    """Nothing that runs, loads a frame, or leads a reader to where a value (a name, say) decides."""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in FORBIDDEN_TAGS:
            raise _not_allowed(f"<{tag}>")
        for name, value in attrs:
            if name.startswith("on") or "{" in name:
                raise _not_allowed(f"<{tag} {name}>")
            if name in ADDRESS_ATTRIBUTES and not ADDRESS.fullmatch((value or "#").strip()):
                raise _not_allowed(f'{name}="{value}"')

    def handle_decl(self, decl: str) -> None:
        raise _not_allowed(f"<!{decl}>")

    def handle_pi(self, data: str) -> None:
        raise _not_allowed(f"<?{data}>")

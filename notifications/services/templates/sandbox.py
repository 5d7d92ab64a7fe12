"""The sandbox for e-mail templates of staff: variables, a few filters and `if`.

There are two barriers: every tag must match our grammar, and the template is then compiled by a Django engine without
loaders, libraries and other builtins. Values are plain strings, so that templates cannot access attributes of objects.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from django.template import Context, Engine, Library, TemplateSyntaxError, defaultfilters, defaulttags
from django.template.base import Lexer, TokenType
from django.utils.translation import gettext_lazy as _

from notifications.exceptions import InvalidTemplateException
from notifications.services.compose.html import unescaped
from notifications.services.templates import link_places

register = Library()
register.tag("if", defaulttags.do_if)
for _filter in (defaultfilters.default, defaultfilters.upper, defaultfilters.lower, defaultfilters.capfirst):
    register.filter(_filter)

_NAME = r"[a-z][a-z0-9_]*"
VARIABLE = re.compile(rf'({_NAME})(?:\|(?:upper|lower|capfirst|default:"[^"{{}}%\\]*"))*')
_OPERAND = rf"(?!(?:and|in|is|not|or)\b){_NAME}"  # operators of the compiler
CONDITION = re.compile(rf"(?:if|elif) (?:not )?{_OPERAND}(?: (?:and|or) (?:not )?{_OPERAND})*")
MAX_DEPTH = 10
MAX_RENDERED = 500_000  # characters
MOST_SOURCE = 100_000  # characters; the longest field of an override
LONGEST_TAG = 200  # characters of a template tag
MOST_TAGS = 500  # template tags; each may insert a value of thousands of characters
MOST_ELEMENTS = 1_000  # HTML elements; also limits their depth, because conditions may omit end tags

ELEMENTS = frozenset({
    "a", "abbr", "address", "article", "b", "big", "blockquote", "br", "caption", "center", "cite", "code", "col",
    "colgroup", "dd", "del", "div", "dl", "dt", "em", "figcaption", "figure", "font", "footer", "h1", "h2", "h3", "h4",
    "h5", "h6", "header", "hr", "i", "img", "ins", "kbd", "li", "main", "mark", "ol", "p", "pre", "q", "s", "section",
    "small", "span", "strike", "strong", "sub", "sup", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "tt", "u",
    "ul",
})  # fmt: skip
ADDRESS_ATTRIBUTES = frozenset({"href", "src", "background"})
STATIC_ATTRIBUTES = frozenset({
    "align", "bgcolor", "border", "cellpadding", "cellspacing", "class", "color", "colspan", "dir", "face", "height",
    "hspace", "id", "lang", "rel", "role", "rowspan", "scope", "size", "start", "style", "target", "type", "valign",
    "vspace", "width", "aria-hidden",
})  # fmt: skip
WORDED_ATTRIBUTES = frozenset({"alt", "title", "aria-label", "summary"})  # the only attributes that may contain values
_SHOWN = (
    rf"\{{\{{ ?{_NAME}(?:\|(?:upper|lower|capfirst))* ?\}}\}}"  # without default: its quotes would end the attribute
)
_ATTRIBUTE = re.compile(
    rf"""\s+([A-Za-z-]+)(?:\s*=\s*(?:"((?:[^"<>{{}}]|{_SHOWN})*)"|'((?:[^'<>{{}}]|{_SHOWN})*)'|([\w%#.-]+)))?"""
)
_ELEMENT = re.compile(rf"<(?:/([A-Za-z][A-Za-z0-9]*)\s*|([A-Za-z][A-Za-z0-9]*)((?:{_ATTRIBUTE.pattern})*)\s*/?)>")
ADDRESS = re.compile(r"(?:https?://|mailto:|tel:|cid:|#)[^{}]*|\{\{ ?[a-z_]*(?:link|url) ?\}\}")


_ENDS = {"{{": "}}", "{%": "%}", "{#": "#}"}


class _Engine(Engine):
    default_builtins = ["notifications.services.templates.sandbox"]


_HTML = _Engine(dirs=[], loaders=[("django.template.loaders.locmem.Loader", {})], libraries={}, autoescape=True)
_TEXT = _Engine(dirs=[], loaders=[("django.template.loaders.locmem.Loader", {})], libraries={}, autoescape=False)


@dataclass(frozen=True)
class Used:
    """The variables of a template. shown: those it inserts. tested: by conditions. always: inserted unconditionally."""

    shown: frozenset[str]
    tested: frozenset[str]
    always: frozenset[str]


def check(source: str, *, field: str, is_html: bool) -> Used:
    """Return the variables that `source` uses. Raises InvalidTemplateException if anything is not allowed."""
    try:
        _check_bounds(source)
        used = _check_tags(source)
        if is_html:
            _check_html(source)
        (_HTML if is_html else _TEXT).from_string(source)
        if link_places.follows_address(source, is_html=is_html):
            raise _NotAllowedError(_("Put a space before a link: the text before it could become part of its address."))
    except _NotAllowedError as error:
        raise InvalidTemplateException.for_field(field, str(error), "not_allowed") from None
    except TemplateSyntaxError:  # Django's own message is English only; the grammar allows no other error
        message = _("The conditions do not match: “elif” and “else” must be between an “if” and its “endif”.")
        raise InvalidTemplateException.for_field(field, message, "not_allowed") from None
    return used


def render_html(source: str, values: Mapping[str, object]) -> str:
    """Render `source` with values escaped for HTML."""
    return _render(_HTML, source, values)


def render_text(source: str, values: Mapping[str, object]) -> str:
    """Render `source` with unescaped values."""
    return _render(_TEXT, source, values)


def _render(engine: Engine, source: str, values: Mapping[str, object]) -> str:
    plain = {name: "" if value is None else "".join(str(value)) for name, value in values.items()}
    return str(engine.from_string(source).render(Context(plain, autoescape=engine.autoescape)))[:MAX_RENDERED]


class _NotAllowedError(Exception):
    """Carries a message for the author of the template."""


def _check_bounds(source: str) -> None:
    """Limit the size of `source`: parsers take more than linear time for many or unclosed tags."""
    if len(source) > MOST_SOURCE:
        raise _NotAllowedError(_("A template has at most %(most)s characters.") % {"most": MOST_SOURCE})
    if source.count("<") > 2 * MOST_ELEMENTS:  # a start and an end each
        raise _NotAllowedError(_("A template has at most %(most)s HTML elements.") % {"most": MOST_ELEMENTS})
    tags, position = 0, source.find("{")
    while position >= 0:
        begin = source[position : position + 2]
        if begin not in _ENDS:
            position = source.find("{", position + 1)
            continue
        tags += 1
        end = source.find(_ENDS[begin], position + 2, position + LONGEST_TAG)
        if end < 0:
            raise _not_allowed(source[position:])
        position = source.find("{", end + 2)
    if tags > MOST_TAGS:
        raise _NotAllowedError(_("A template has at most %(most)s tags.") % {"most": MOST_TAGS})


def _check_tags(source: str) -> Used:
    shown, tested, paths = set(), set(), _Branches()
    for token in Lexer(source).tokenize():
        if token.token_type == TokenType.VAR:
            if not (found := VARIABLE.fullmatch(token.contents)):
                raise _not_allowed(f"{{{{ {token.contents} }}}}")
            shown.add(found[1])
            paths.show(found[1])
        elif token.token_type == TokenType.BLOCK:
            tested |= _names_in_block(token.contents)
            paths.enter_tag(token.contents)
            if paths.depth > MAX_DEPTH:
                raise _NotAllowedError(_("The conditions are nested too deeply."))
        elif token.token_type == TokenType.TEXT and re.search(r"\{[{%#]", token.contents):
            raise _not_allowed(token.contents[token.contents.index("{") :])
    if paths.depth:
        raise _NotAllowedError(_("Each “if” needs an “endif” after it."))
    return Used(frozenset(shown), frozenset(tested), frozenset(paths.always))


class _Branches:
    """Finds the variables that a template always shows, independent of its conditions.

    `{% if name %}` makes its content optional, except for the variable `name` itself.
    """

    def __init__(self) -> None:
        self._shown: list[set[str]] = [set()]  # for each depth, in the current branch
        self._branches: list[list[set[str]]] = []
        self._conditions: list[str] = []
        self._has_else: list[bool] = []

    @property
    def depth(self) -> int:
        """Return the number of open conditions."""
        return len(self._branches)

    @property
    def always(self) -> set[str]:
        """Return the variables shown outside all conditions, or in every branch of one."""
        return self._shown[0]

    def show(self, name: str) -> None:
        """Record a shown variable."""
        self._shown[-1].add(name)

    def enter_tag(self, tag: str) -> None:
        """Handle the tag of a condition. The compiler rejects one that does not match."""
        word, _space, condition = tag.partition(" ")
        if word == "if":
            self._branches.append([])
            self._conditions.append(condition)
            self._has_else.append(False)
            self._shown.append(set())
        elif self._branches:
            self._branches[-1].append(self._shown[-1])
            self._shown[-1] = set()
            self._has_else[-1] |= word == "else"
            if word == "endif":
                self._close()

    def _close(self) -> None:
        branches, condition, has_else = self._branches.pop(), self._conditions.pop(), self._has_else.pop()
        self._shown.pop()
        if has_else:
            self._shown[-1] |= set.intersection(*branches)
        self._shown[-1] |= branches[0] & {condition}


def _names_in_block(contents: str) -> set[str]:
    if contents in {"else", "endif"}:
        return set()
    if not CONDITION.fullmatch(contents):
        raise _not_allowed(f"{{% {contents} %}}")
    return set(contents.split()[1:]) - {"not", "and", "or"}


def _not_allowed(what: str) -> _NotAllowedError:
    return _NotAllowedError(_("This is not allowed in a template: %(what)s") % {"what": what[:80]})


def _check_html(source: str) -> None:
    """Check that each `<` starts a complete tag of the grammar, with template variables only in quoted attributes.

    The rendered HTML therefore has only the checked tags, with any values and conditions, for every HTML parser. None
    of them executes code, or sends a value (such as a reset link) to another host, as a URL or style with a value
    would.
    """
    if re.search(r"=\s*\{\{", source):
        raise _NotAllowedError(_("Put attribute values in quotes."))
    for begin in re.finditer("<", source):
        tag = _ELEMENT.match(source, begin.start())
        if tag is None or (tag[1] or tag[2]).lower() not in ELEMENTS:
            raise _not_allowed(source[begin.start() :].partition(">")[0] + ">")
        for name, *values in _ATTRIBUTE.findall(tag[3] or ""):
            if not _is_attribute(name.lower(), unescaped("".join(values)).strip()):
                raise _not_allowed(f'{name}="{"".join(values)}"')


def _is_attribute(name: str, value: str) -> bool:
    if name in ADDRESS_ATTRIBUTES:
        return not value or ADDRESS.fullmatch(value) is not None
    return name in WORDED_ATTRIBUTES or (name in STATIC_ATTRIBUTES and "{" not in value)

"""A User-Agent header in words that its owner understands."""

from functools import lru_cache

from django.utils.translation import gettext as _
from ua_parser import parse

from foodfleet.core.names import has_link


def in_words(user_agent: str) -> str:
    """Such as "Firefox 120 on Windows"; the first word of what nobody knows, '' for nothing or a word like a link."""
    browser, system = _parsed(user_agent)
    if browser and system:
        return _("%(browser)s on %(system)s") % {"browser": browser, "system": system}
    word = user_agent.partition("/")[0].partition(" ")[0][:40]
    return browser or system or ("" if has_link(word) else word)


@lru_cache(maxsize=1024)
def _parsed(user_agent: str) -> tuple[str, str]:
    found = parse(user_agent)
    program = found.user_agent
    browser = " ".join(part for part in (program.family, program.major) if part) if program else ""
    return browser, found.os.family if found.os else ""

"""Render a message from the name of its template and its variables."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.template import Context, Engine
from django.template.loader import render_to_string
from django.template.loader_tags import BlockNode
from django.utils import translation
from django.utils.safestring import mark_safe

from foodfleet.core import branding
from notifications.services.compose.html import INLINER
from notifications.services.templates import cache, overrides, precompiled, sandbox, sms_templates
from notifications.services.templates.precompiled import EmailContent, PrecompiledEmail

LAYOUT = "override"  # the template around the content of an override
MOST_PRECOMPILED = 300  # e-mails of about 15 KB: one for each language and set of given variables


@dataclass(frozen=True)
class SmsContent:
    """The text of an SMS and the version of its template (0: none)."""

    text: str
    version: int = 0


def render_email(template: str, variables: Mapping[str, Any], language: str) -> EmailContent:
    """Render `template` in `language`, with the override of staff if there is one.

    An empty language means the default. Every e-mail accepts the variable `unsubscribe_link`.
    Raises EmailTemplateNotFoundException or MissingVariablesException.
    """
    variables = {**overrides.accepted(template, variables), "unsubscribe_link": variables.get("unsubscribe_link", "")}
    language = language or settings.LANGUAGE_CODE
    override = _override(template, language)
    if not (_is_precompiled(template, override) and precompiled.accepts(variables)):
        return _render(template, override, variables, language)
    given = {name: value for name, value in variables.items() if value}
    site = (settings.PUBLIC_URL, *branding.message_context().values())
    return _precompiled(template, override, language, frozenset(given), site).filled(given)


def _override(template: str, language: str) -> cache.OverrideContent | None:
    by_language = cache.email_overrides(template)
    candidates = [*sms_templates.fallbacks(language), ""]
    return next((by_language[candidate] for candidate in candidates if candidate in by_language), None)


def _is_precompiled(template: str, override: cache.OverrideContent | None) -> bool:
    """Return whether the content has no filters, and its conditions test only whether values are given."""
    if settings.DEBUG:  # so that changes of files have an effect at once
        return False
    if override is None:
        return overrides.spec_of(template).is_precompiled
    return "|" not in f"{override.subject}{override.html}{override.text}"


@lru_cache(maxsize=MOST_PRECOMPILED)
def _precompiled(
    template: str, override: cache.OverrideContent | None, language: str, names: frozenset[str], site: Hashable
) -> PrecompiledEmail:
    """Precompile for messages that have values for these names. site: the settings that the content depends on."""
    placeholders = {name: precompiled.placeholder(name) for name in names}
    return PrecompiledEmail(_render(template, override, placeholders, language))


def _render(
    template: str, override: cache.OverrideContent | None, variables: Mapping[str, Any], language: str
) -> EmailContent:
    if override is None:
        return render_files(template, variables, language)
    return render_override(override, variables, language)


def render_files(template: str, variables: Mapping[str, Any], language: str) -> EmailContent:
    """Render the product's own content, from the files in templates/notifications/email/."""
    context = {**branding.message_context(), **variables, "public_url": settings.PUBLIC_URL}
    base = f"notifications/email/{template}"
    with translation.override(language):
        subject = " ".join(render_to_string(f"{base}.subject.txt", context).split())
        text = render_to_string(f"{base}.txt", context).strip() + "\n"
        return EmailContent(subject, text, INLINER.inline(render_to_string(f"{base}.html", context)))


def own_content(template: str, language: str) -> cache.OverrideContent:
    """Return the product's own content of an e-mail as an override, with placeholders for its variables."""
    spec = overrides.spec_of(template)
    values: dict[str, Any] = {
        name: value if isinstance(value, int) else f"{{{{ {name} }}}}" for name, value in spec.examples.items()
    }
    values |= branding.message_context()
    base = f"notifications/email/{template}"
    with translation.override(language or settings.LANGUAGE_CODE):
        subject = " ".join(render_to_string(f"{base}.subject.txt", values).split())
        html, text = (_blocks(f"{base}.{ending}", values) for ending in ("html", "txt"))
    return cache.OverrideContent(subject, html, text, version=0)


def current_content(template: str, language: str) -> cache.OverrideContent:
    """Return the current content of an e-mail in this language, with placeholders for its variables."""
    return _override(template, language) or own_content(template, language)


def _blocks(name: str, values: Mapping[str, Any]) -> str:
    """Render the blocks of a template without the layout around them."""
    template = Engine.get_default().get_template(name)
    nodes = [node for node in template.nodelist.get_nodes_by_type(BlockNode) if isinstance(node, BlockNode)]
    blocks = {node.name: node.nodelist for node in nodes}
    context = Context(dict(values))
    with context.bind_template(template):
        parts = [blocks[block].render(context).strip() for block in ("content", "action", "after") if block in blocks]
    return "\n\n".join(filter(None, parts))


def render_override(content: cache.OverrideContent, variables: Mapping[str, Any], language: str) -> EmailContent:
    """Render an override in the product's e-mail layout."""
    subject = " ".join(sandbox.render_text(content.subject, variables).split())
    frame = {
        **branding.message_context(),
        "first_name": variables.get("first_name", ""),
        "unsubscribe_link": variables.get("unsubscribe_link", ""),
        "public_url": settings.PUBLIC_URL,
        "subject": subject,
    }
    with translation.override(language):
        body = mark_safe(sandbox.render_html(content.html, variables))  # noqa: S308  the template is checked and its values are escaped
        html = render_to_string(f"notifications/email/{LAYOUT}.html", {**frame, "body": body})
        plain = {**frame, "body": sandbox.render_text(content.text, variables)}
        text = render_to_string(f"notifications/email/{LAYOUT}.txt", plain).strip() + "\n"
    return EmailContent(subject, text, INLINER.inline(html), content.version)


def render_sms(template: str, variables: Mapping[str, Any], language: str) -> SmsContent:
    """Render the active SMS template in `language`, or the nearest language that it has.

    Raises SmsTemplateNotFoundException or MissingVariablesException.
    """
    rendered = sms_templates.render(name=template, variables=variables, language=language)
    return SmsContent(rendered.content, rendered.version)

"""Render a message from the name of its template and its variables."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.template import Context, Engine
from django.template.loader import render_to_string
from django.template.loader_tags import BlockNode
from django.utils import translation
from django.utils.safestring import mark_safe

from foodfleet.core import branding
from notifications.services.compose.html import INLINER
from notifications.services.templates import cache, overrides, sandbox, sms_templates

LAYOUT = "override"  # the template around the content of an override


@dataclass(frozen=True)
class EmailContent:
    """The subject (one line), text and HTML of an e-mail, with CSS inline. version: 0 for the product's own."""

    subject: str
    text: str
    html: str
    version: int = 0


@dataclass(frozen=True)
class SmsContent:
    """The text of an SMS and the version of its template (0: none)."""

    text: str
    version: int = 0


def render_email(template: str, variables: Mapping[str, Any], language: str) -> EmailContent:
    """Render `template` in `language`, by the override of staff where there is one.

    An empty language means the default. `unsubscribe_link` may be among the variables of any e-mail.
    Raises EmailTemplateNotFoundException or MissingVariablesException.
    """
    variables = {**overrides.accepted(template, variables), "unsubscribe_link": variables.get("unsubscribe_link", "")}
    language = language or settings.LANGUAGE_CODE
    by_language = cache.email_overrides(template)
    for candidate in [*sms_templates.fallbacks(language), ""]:
        if candidate in by_language:
            return render_override(by_language[candidate], variables, language)
    return render_files(template, variables, language)


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
    """Render an override in the product's layout."""
    subject = " ".join(sandbox.render_text(content.subject, variables).split())
    frame = {
        **branding.message_context(),
        "first_name": variables.get("first_name", ""),
        "unsubscribe_link": variables.get("unsubscribe_link", ""),
        "public_url": settings.PUBLIC_URL,
        "subject": subject,
    }
    with translation.override(language):
        body = mark_safe(sandbox.render_html(content.html, variables))  # noqa: S308  checked, its values are escaped
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

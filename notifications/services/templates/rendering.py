"""From a template's name and variables to what is sent."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import css_inline
from django.conf import settings
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.safestring import mark_safe

from notifications.services.templates import cache, overrides, precompiled, sandbox, sms_templates

# The rules for small and for dark screens cannot be put inline: they alone stay in a style tag.
_INLINER = css_inline.CSSInliner(
    keep_style_tags=True, keep_at_rules=True, remove_inlined_selectors=True, load_remote_stylesheets=False
)
LAYOUT = "override"  # the frame around what staff wrote


@dataclass(frozen=True)
class EmailContent:
    """A mail's subject (one line), its text and its HTML with all CSS inline; version 0: as the product has it."""

    subject: str
    text: str
    html: str
    version: int = 0


@dataclass(frozen=True)
class SmsContent:
    """A text's words, and the version of the template that they come from (0: of none)."""

    text: str
    version: int = 0


def render_email(template: str, variables: Mapping[str, Any], language: str) -> EmailContent:
    """Render `template` in `language` (the default language where it is ''), in staff's words where they wrote any.

    `unsubscribe_link` may be among the variables of any mail.

    Raises EmailTemplateNotFoundException or MissingVariablesException.
    """
    variables = {**overrides.accepted(template, variables), "unsubscribe_link": variables.get("unsubscribe_link", "")}
    language = language or settings.LANGUAGE_CODE
    written = cache.email_overrides(template)
    for candidate in [*sms_templates.fallbacks(language), ""]:
        if candidate in written:
            return render_words(written[candidate], variables, language)
    return render_files(template, variables, language)


def render_files(template: str, variables: Mapping[str, Any], language: str) -> EmailContent:
    """Render the product's own words."""
    if settings.DEBUG:  # templates change under the hands of their author
        parts = _rendered(template, variables, language)
    else:
        about = (template, language, settings.PUBLIC_URL)
        parts = precompiled.cast(about, variables, lambda values: _rendered(template, values, language))
    return EmailContent(" ".join(parts.subject.split()), parts.text.strip() + "\n", parts.html)


def _rendered(template: str, variables: Mapping[str, Any], language: str) -> precompiled.Parts:
    context = {**variables, "public_url": settings.PUBLIC_URL}
    base = f"notifications/email/{template}"
    with translation.override(language):
        return precompiled.Parts(
            subject=render_to_string(f"{base}.subject.txt", context),
            text=render_to_string(f"{base}.txt", context),
            html=_INLINER.inline(render_to_string(f"{base}.html", context)),
        )


def render_words(words: cache.EmailWords, variables: Mapping[str, Any], language: str) -> EmailContent:
    """Render what staff wrote, in the product's frame."""
    subject = " ".join(sandbox.render_text(words.subject, variables).split())
    frame = {
        "first_name": variables.get("first_name", ""),
        "unsubscribe_link": variables.get("unsubscribe_link", ""),
        "public_url": settings.PUBLIC_URL,
        "subject": subject,
    }
    with translation.override(language):
        body = mark_safe(sandbox.render_html(words.html, variables))  # noqa: S308  checked, its values are escaped
        html = render_to_string(f"notifications/email/{LAYOUT}.html", {**frame, "body": body})
        plain = {**frame, "body": sandbox.render_text(words.text, variables)}
        text = render_to_string(f"notifications/email/{LAYOUT}.txt", plain).strip() + "\n"
    return EmailContent(subject, text, _INLINER.inline(html), words.version)


def render_sms(template: str, variables: Mapping[str, Any], language: str) -> SmsContent:
    """Put the variables into the words of the active template, in `language` or the nearest that it has.

    Raises SmsTemplateNotFoundException or MissingVariablesException.
    """
    text = sms_templates.render(name=template, variables=variables, language=language)
    return SmsContent(text.content, text.version)

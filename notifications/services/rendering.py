"""From a template's name and variables to what is sent."""

from dataclasses import dataclass
from typing import Any

import css_inline
from django.conf import settings
from django.template.loader import render_to_string
from django.utils import translation


@dataclass(frozen=True)
class EmailContent:
    """A mail's subject (one line), its text and its HTML with all CSS inline."""

    subject: str
    text: str
    html: str


def render_email(template: str, variables: dict[str, Any], language: str) -> EmailContent:
    """Render the files of `template` in `language` (the default language where it is '')."""
    context = {**variables, "public_url": settings.PUBLIC_URL}
    base = f"notifications/email/{template}"
    with translation.override(language or settings.LANGUAGE_CODE):
        subject = " ".join(render_to_string(f"{base}.subject.txt", context).split())
        text = render_to_string(f"{base}.txt", context).strip() + "\n"
        html = css_inline.inline(render_to_string(f"{base}.html", context), load_remote_stylesheets=False)
    return EmailContent(subject, text, html)

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


@dataclass(frozen=True)
class SmsContent:
    """A text's words, and the version of the template that they come from (0: as the product has it)."""

    text: str
    version: int = 0


SMS_TEXTS = {
    "2fa_code": "Your verification code is: {code}",
    "phone_verification": "Your FoodFleet code to confirm this number is: {code}",
}


def render_sms(template: str, variables: dict[str, str], language: str) -> SmsContent:
    """Put the variables into the words of `template`."""
    return SmsContent(SMS_TEXTS[template].format(**variables))

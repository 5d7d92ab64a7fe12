"""Samples of templates: rendered with example values, and sent to the staff user who requests one.

Neither the values nor the recipient can be chosen: otherwise a test could send messages to others.
"""

from django.conf import settings

from accounts.models import User
from foodfleet.core.http.clients import Client
from notifications.exceptions import NoOwnRecipientException
from notifications.models import EmailOverride, Message, SmsTemplate
from notifications.services.compose import email as compose_email
from notifications.services.compose import sms as compose_sms
from notifications.services.compose.writing import MessageDraft
from notifications.services.templates import cache, overrides, rendering, sms_templates
from notifications.services.templates.precompiled import EmailContent


def email(override: EmailOverride) -> EmailContent:
    """Render an override. Raises EmailTemplateNotFoundException if the product no longer has the e-mail."""
    content = cache.OverrideContent(override.subject, override.html, override.text, override.version)
    return rendering.render_override(content, examples_of(override), language_of(override))


def draft_email(override: EmailOverride) -> EmailContent:
    """Check and render an override that was not saved. Raises as `overrides.check`."""
    overrides.check(override)
    return email(override)


def examples_of(override: EmailOverride) -> dict[str, str | int]:
    """Return the example values of its e-mail. Raises EmailTemplateNotFoundException."""
    return overrides.spec_of(override.template).examples


def language_of(override: EmailOverride) -> str:
    """Return the language of the preview."""
    return override.language or settings.LANGUAGE_CODE


def own_phone(user: User) -> str:
    """Return the user's confirmed number, or ''."""
    return str(user.phone) if user.phone and user.phone_verified_at else ""


def send_email(*, override: EmailOverride, by: User, client: Client) -> Message:
    """Send an override to the confirmed address of `by`. Raises NoOwnRecipientException, and as `email.send_email`."""
    if not by.is_email_verified:
        raise NoOwnRecipientException
    content, draft = email(override), MessageDraft(sender=by, request_id=client.request_id)
    return compose_email.send_email(
        to=[by.email], subject=content.subject, text=content.text, html=content.html, draft=draft
    )


def send_sms(*, template: SmsTemplate, language: str, by: User, client: Client) -> Message:
    """Send a template to the confirmed number of `by`. Raises NoOwnRecipientException, and as `sms.send_sms`."""
    phone = own_phone(by)
    if not phone:
        raise NoOwnRecipientException
    examples = sms_templates.examples_of(template)
    shown = sms_templates.preview(template=template, variables=examples, language=language)
    return compose_sms.send_sms(to=phone, text=shown.text, draft=MessageDraft(sender=by, request_id=client.request_id))

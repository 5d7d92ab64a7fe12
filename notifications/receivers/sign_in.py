"""Signing in and being kept from it -> what is said to whom."""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.dispatch import receiver
from django.utils import translation
from django.utils.formats import date_format

from accounts import signals as accounts
from accounts.models import User
from foodfleet.core.http.clients import Client
from notifications.services.compose import outbox
from notifications.services.compose.links import link
from notifications.services.compose.security_facts import security_facts


@receiver(accounts.sign_in_locked)
def tell_of_lock(user: User, until: datetime, report_token: str, client: Client, **kwargs: Any) -> None:
    """Too many wrong passwords: until when, and what to do."""
    with translation.override(user.language or settings.LANGUAGE_CODE):
        opens_at = f"{date_format(until, 'DATETIME_FORMAT')} UTC"
    variables = {
        **security_facts(user, client, report_token),
        "until": opens_at,
        "reset_link": link("password_forgot"),
    }
    outbox.queue_notice(template="account_locked", user=user, variables=variables, request_id=client.request_id)


@receiver(accounts.new_device_used)
def tell_of_new_device(user: User, report_token: str, client: Client, **kwargs: Any) -> None:
    """Somebody signed in on a device that was never seen before."""
    variables = security_facts(user, client, report_token)
    outbox.queue_notice(template="new_device", user=user, variables=variables, request_id=client.request_id)

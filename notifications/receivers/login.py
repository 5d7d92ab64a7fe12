"""Send messages about sign-ins and lockouts."""

from datetime import datetime
from typing import Any

from django.dispatch import receiver

from accounts import signals as accounts
from accounts.models import User
from foodfleet.core.http.clients import Client
from notifications.services.compose import outbox
from notifications.services.compose.variables import format_time, link, security_facts


@receiver(accounts.sign_in_locked)
def send_locked(user: User, until: datetime, report_token: str, client: Client, **kwargs: Any) -> None:
    """Notify the owner of a lockout, its end and the reset link."""
    variables = {
        **security_facts(user, client, report_token),
        "until": format_time(until, user),
        "reset_link": link("forgot", client),
    }
    outbox.queue_notice(template="account_locked", user=user, variables=variables, request_id=client.request_id)


@receiver(accounts.new_device_used)
def send_new_device(user: User, report_token: str, client: Client, **kwargs: Any) -> None:
    """Notify the owner of a sign-in on an unknown device."""
    variables = security_facts(user, client, report_token)
    outbox.queue_notice(template="new_device", user=user, variables=variables, request_id=client.request_id)

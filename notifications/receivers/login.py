"""Send messages about sign-ins and lockouts."""

from datetime import datetime
from typing import Any

from django.dispatch import receiver

from accounts import signals as accounts
from accounts.models import User
from foodfleet.core.http.clients import Client
from notifications.services.compose import outbox
from notifications.services.compose.variables import format_time, link


@receiver(accounts.sign_in_locked)
def send_locked(user: User, until: datetime, report_token: str, client: Client, **kwargs: Any) -> None:
    """Notify the owner of a lockout, its end and the reset link."""
    more = {"until": format_time(until, user), "reset_link": link("forgot", client)}
    outbox.queue_notice("account_locked", user, client, report_token, **more)


@receiver(accounts.new_device_used)
def send_new_device(user: User, report_token: str, client: Client, **kwargs: Any) -> None:
    """Notify the owner of a sign-in on an unknown device."""
    outbox.queue_notice("new_device", user, client, report_token)

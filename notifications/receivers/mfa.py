"""Send messages about two-factor authentication."""

from datetime import datetime
from typing import Any

from django.dispatch import receiver

from accounts import signals as accounts
from accounts.models import Passkey, User
from foodfleet.core.http.clients import Client
from notifications.services.compose import outbox
from notifications.services.compose.variables import format_time, link


@receiver(accounts.two_factor_enabled)
def send_enabled(user: User, client: Client, report_token: str, **kwargs: Any) -> None:
    """Notify the owner."""
    outbox.queue_notice("two_factor_enabled", user, client, report_token)


@receiver(accounts.two_factor_disabled)
def send_disabled(user: User, client: Client, report_token: str, **kwargs: Any) -> None:
    """Notify the owner."""
    outbox.queue_notice("two_factor_disabled", user, client, report_token)


@receiver(accounts.backup_code_used)
def send_code_used(user: User, client: Client, report_token: str, remaining: int, **kwargs: Any) -> None:
    """Notify the owner, with the number of remaining codes."""
    outbox.queue_notice("backup_code_used", user, client, report_token, remaining=remaining)


@receiver(accounts.backup_codes_made)
def send_codes_made(user: User, client: Client, report_token: str, **kwargs: Any) -> None:
    """Notify the owner."""
    outbox.queue_notice("backup_codes_regenerated", user, client, report_token)


@receiver(accounts.codes_blocked)
def send_blocked(user: User, client: Client, report_token: str, until: datetime, **kwargs: Any) -> None:
    """Notify the owner: somebody who guesses codes knows the password."""
    more = {"until": format_time(until, user), "reset_link": link("forgot", client)}
    outbox.queue_notice("account_locked", user, client, report_token, **more)


@receiver(accounts.passkey_added)
def send_passkey_added(user: User, client: Client, report_token: str, passkey: Passkey, **kwargs: Any) -> None:
    """Notify the owner."""
    outbox.queue_notice("passkey_added", user, client, report_token, name=passkey.name)


@receiver(accounts.passkey_removed)
def send_passkey_removed(user: User, client: Client, report_token: str, name: str, **kwargs: Any) -> None:
    """Notify the owner."""
    outbox.queue_notice("passkey_removed", user, client, report_token, name=name)


@receiver(accounts.two_factor_reset_approved)
def send_reset_approved(user: User, client: Client, report_token: str, effective_at: datetime, **kwargs: Any) -> None:
    """Notify the owner before the reset takes effect, so that they can cancel it."""
    outbox.queue_notice(
        "two_factor_reset_requested", user, client, report_token, effective_at=format_time(effective_at, user)
    )


@receiver(accounts.two_factor_reset_done)
def send_reset_done(user: User, client: Client, report_token: str, **kwargs: Any) -> None:
    """Notify the owner."""
    outbox.queue_notice("two_factor_reset_done", user, client, report_token)


@receiver(accounts.sms_code_requested)
def send_sms_code(user: User, phone: str, code: str, client: Client, **kwargs: Any) -> None:
    """Send the code to the phone."""
    outbox.queue_sms(
        template="2fa_code", phone=phone, user=user, variables={"code": code}, request_id=client.request_id
    )

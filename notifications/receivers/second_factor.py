"""The second factor and its changes -> what is said to whom."""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.dispatch import receiver
from django.utils import translation
from django.utils.formats import date_format

from accounts import signals as accounts
from accounts.models import Passkey, User
from foodfleet.core.http.clients import Client
from notifications.services.compose import outbox
from notifications.services.compose.links import link
from notifications.services.compose.security_facts import security_facts


def _tell(template: str, user: User, client: Client, report_token: str, **more: Any) -> None:
    variables = {**security_facts(user, client, report_token), **more}
    outbox.queue_notice(template=template, user=user, variables=variables, request_id=client.request_id)


def _in_words(moment: datetime, user: User) -> str:
    with translation.override(user.language or settings.LANGUAGE_CODE):
        return f"{date_format(moment, 'DATETIME_FORMAT')} UTC"


@receiver(accounts.two_factor_enabled)
def send_enabled(user: User, client: Client, report_token: str, **kwargs: Any) -> None:
    """Tell the owner."""
    _tell("two_factor_enabled", user, client, report_token)


@receiver(accounts.two_factor_disabled)
def send_disabled(user: User, client: Client, report_token: str, **kwargs: Any) -> None:
    """Tell the owner."""
    _tell("two_factor_disabled", user, client, report_token)


@receiver(accounts.backup_code_used)
def send_code_used(user: User, client: Client, report_token: str, remaining: int, **kwargs: Any) -> None:
    """Tell the owner, and how many are left."""
    _tell("backup_code_used", user, client, report_token, remaining=remaining)


@receiver(accounts.backup_codes_made)
def send_codes_made(user: User, client: Client, report_token: str, **kwargs: Any) -> None:
    """Tell the owner."""
    _tell("backup_codes_regenerated", user, client, report_token)


@receiver(accounts.codes_blocked)
def send_blocked(user: User, client: Client, report_token: str, until: datetime, **kwargs: Any) -> None:
    """Tell the owner: who guesses codes knows the password."""
    more = {"until": _in_words(until, user), "reset_link": link("password_forgot")}
    _tell("account_locked", user, client, report_token, **more)


@receiver(accounts.passkey_added)
def send_passkey_added(user: User, client: Client, report_token: str, passkey: Passkey, **kwargs: Any) -> None:
    """Tell the owner."""
    _tell("passkey_added", user, client, report_token, name=passkey.name)


@receiver(accounts.passkey_removed)
def send_passkey_removed(user: User, client: Client, report_token: str, name: str, **kwargs: Any) -> None:
    """Tell the owner."""
    _tell("passkey_removed", user, client, report_token, name=name)


@receiver(accounts.two_factor_reset_approved)
def send_reset_approved(user: User, client: Client, report_token: str, effective_at: datetime, **kwargs: Any) -> None:
    """Tell the owner while there is time to call it off."""
    _tell("two_factor_reset_requested", user, client, report_token, effective_at=_in_words(effective_at, user))


@receiver(accounts.two_factor_reset_done)
def send_reset_done(user: User, client: Client, report_token: str, **kwargs: Any) -> None:
    """Tell the owner."""
    _tell("two_factor_reset_done", user, client, report_token)


@receiver(accounts.sms_code_requested)
def send_sms_code(user: User, phone: str, code: str, client: Client, **kwargs: Any) -> None:
    """The code, to the phone."""
    outbox.queue_sms(
        template="2fa_code", phone=phone, user=user, variables={"code": code}, request_id=client.request_id
    )

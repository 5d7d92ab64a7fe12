"""Another address, another phone -> what is said to whom."""

from typing import Any

from django.dispatch import receiver

from accounts import signals as accounts
from accounts.models import User
from foodfleet.core.http.clients import Client
from notifications.services.compose import outbox
from notifications.services.compose.links import link
from notifications.services.compose.security_facts import security_facts


@receiver(accounts.email_change_requested)
def send_confirmation(user: User, new_email: str, confirm_token: str, client: Client, **kwargs: Any) -> None:
    """The link that proves the new address, sent there; nothing where the address is somebody else's."""
    if confirm_token:
        variables = {"link": link("account_email_confirm", confirm_token)}  # no name: nobody confirmed this address
        outbox.queue_email(
            template="email_change_confirm",
            user=user,
            variables=variables,
            request_id=client.request_id,
            to=new_email,
        )


@receiver(accounts.email_change_requested)
def send_notice(user: User, new_email: str, undo_token: str, report_token: str, client: Client, **kwargs: Any) -> None:
    """Word of it to the present address, with the way to stop it."""
    variables = {
        **security_facts(user, client, report_token),
        "new_email": new_email,
        "undo_link": link("account_email_undo", undo_token),
    }
    outbox.queue_notice(template="email_change_notice", user=user, variables=variables, request_id=client.request_id)


@receiver(accounts.email_changed)
def send_changed(user: User, old_email: str, undo_token: str, report_token: str, client: Client, **kwargs: Any) -> None:
    """Word of it to the former address, with the way back."""
    variables = {
        **security_facts(user, client, report_token),
        "new_email": user.email,
        "undo_link": link("account_email_undo", undo_token),
    }
    outbox.queue_email(
        template="email_changed", user=user, variables=variables, request_id=client.request_id, to=old_email
    )


@receiver(accounts.phone_code_requested)
def send_phone_code(user: User, phone: str, code: str, client: Client, **kwargs: Any) -> None:
    """The code that proves a number."""
    outbox.queue_sms(
        template="phone_verification", phone=phone, user=user, variables={"code": code}, request_id=client.request_id
    )


@receiver(accounts.phone_changed)
def send_phone_changed(user: User, report_token: str, client: Client, **kwargs: Any) -> None:
    """Tell the owner."""
    variables = security_facts(user, client, report_token)
    outbox.queue_notice(template="phone_changed", user=user, variables=variables, request_id=client.request_id)

"""Send messages about registration, e-mail addresses and phone numbers."""

from typing import Any

from django.dispatch import receiver

from accounts import signals as accounts
from accounts.models import User
from foodfleet.core.http.clients import Client
from notifications.services.compose import outbox
from notifications.services.compose.variables import format_time, link, security_facts


@receiver([accounts.user_registered, accounts.verification_requested])
def send_verification(user: User, verification_token: str, client: Client, **kwargs: Any) -> None:
    """Send the confirmation link. There is no token if the address got too many e-mails."""
    if verification_token:
        variables = {"link": link("verify", client, verification_token), "first_name": user.greeting_name}
        outbox.queue_email(template="verify_email", user=user, variables=variables, request_id=client.request_id)


@receiver(accounts.registration_repeated)
def send_already_registered(user: User, client: Client, verification_token: str, **kwargs: Any) -> None:
    """Notify the owner that the account exists, with a confirmation link if the address is unconfirmed."""
    variables = {"link": link("login", client), "reset_link": link("forgot", client)}
    if verification_token:
        variables["verify_link"] = link("verify", client, verification_token)
    outbox.queue_email(template="already_registered", user=user, variables=variables, request_id=client.request_id)


@receiver(accounts.email_verified)
def send_welcome(user: User, client: Client, **kwargs: Any) -> None:
    """Welcome the user after the confirmation."""
    variables = {"first_name": user.greeting_name, "link": link("account", client)}
    outbox.queue_email(template="welcome", user=user, variables=variables, request_id=client.request_id)


@receiver(accounts.email_change_requested)
def send_confirmation(user: User, new_email: str, confirm_token: str, client: Client, **kwargs: Any) -> None:
    """Send the confirmation link to the new address. There is no token if it belongs to another account."""
    if confirm_token:
        variables = {"link": link("email_change", client, confirm_token)}  # no name: the address is unconfirmed
        outbox.queue_email(
            template="email_change_confirm",
            user=user,
            variables=variables,
            request_id=client.request_id,
            to=new_email,
        )


@receiver(accounts.email_change_requested)
def send_notice(user: User, new_email: str, undo_token: str, report_token: str, client: Client, **kwargs: Any) -> None:
    """Notify the current address, with a link that cancels the change."""
    more = {"new_email": new_email, "undo_link": link("email_undo", client, undo_token)}
    outbox.queue_notice("email_change_notice", user, client, report_token, **more)


@receiver(accounts.email_changed)
def send_changed(user: User, old_email: str, undo_token: str, report_token: str, client: Client, **kwargs: Any) -> None:
    """Notify the former address, with a link that undoes the change."""
    variables = {
        **security_facts(user, client, report_token),
        "new_email": user.email,
        "undo_link": link("email_undo", client, undo_token),
    }
    outbox.queue_email(
        template="email_changed", user=user, variables=variables, request_id=client.request_id, to=old_email
    )


@receiver(accounts.phone_code_requested)
def send_phone_code(user: User, phone: str, code: str, client: Client, **kwargs: Any) -> None:
    """Send the code that confirms a number."""
    outbox.queue_sms(
        template="phone_verification", phone=phone, user=user, variables={"code": code}, request_id=client.request_id
    )


@receiver(accounts.phone_changed)
def send_phone_changed(user: User, report_token: str, client: Client, **kwargs: Any) -> None:
    """Notify the owner."""
    outbox.queue_notice("phone_changed", user, client, report_token)


@receiver(accounts.deletion_requested)
def send_deletion_requested(user: User, report_token: str, client: Client, **kwargs: Any) -> None:
    """Notify the owner of the time of the deletion, and how to cancel it."""
    _queue_deletion("deletion_requested", user, report_token, client)


@receiver(accounts.deletion_coming)
def send_deletion_reminder(user: User, report_token: str, client: Client, **kwargs: Any) -> None:
    """Remind the owner before the deletion."""
    _queue_deletion("deletion_reminder", user, report_token, client)


def _queue_deletion(template: str, user: User, report_token: str, client: Client) -> None:
    assert user.deletion_due_at is not None
    due_at, keep_link = format_time(user.deletion_due_at, user), link("account", client)
    outbox.queue_notice(template, user, client, report_token, due_at=due_at, link=keep_link)


@receiver(accounts.own_account_deleted)
def send_deleted(email: str, language: str, first_name: str, **kwargs: Any) -> None:
    """Notify the former owner. The user row no longer has the address."""
    outbox.queue_farewell(template="account_deleted", to=email, language=language, variables={"first_name": first_name})

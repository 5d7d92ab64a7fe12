"""Becoming a user -> what is said to whom."""

from typing import Any

from django.dispatch import receiver

from accounts import signals as accounts
from accounts.models import User
from foodfleet.core.http.clients import Client
from notifications.services.compose import outbox
from notifications.services.compose.links import link


@receiver([accounts.user_registered, accounts.verification_requested])
def send_verification(user: User, verification_token: str, client: Client, **kwargs: Any) -> None:
    """The link that proves an address; none where the address was mailed too often."""
    if verification_token:
        variables = {"link": link("email_verify", verification_token), "first_name": user.greeting_name}
        outbox.queue_email(template="verify_email", user=user, variables=variables, request_id=client.request_id)


@receiver(accounts.registration_repeated)
def send_already_registered(user: User, client: Client, verification_token: str, **kwargs: Any) -> None:
    """Tell the owner, and nobody else, that there is an account; and give the link that confirms it, if it waits."""
    variables = {"link": link("login"), "reset_link": link("password_forgot")}
    if verification_token:
        variables["verify_link"] = link("email_verify", verification_token)
    outbox.queue_email(template="already_registered", user=user, variables=variables, request_id=client.request_id)


@receiver(accounts.email_verified)
def send_welcome(user: User, client: Client, **kwargs: Any) -> None:
    """Say hello."""
    variables = {"first_name": user.greeting_name, "link": link("account")}
    outbox.queue_email(template="welcome", user=user, variables=variables, request_id=client.request_id)

"""Send messages about passwords and compromise reports."""

from typing import Any

from django.conf import settings
from django.dispatch import receiver

from accounts import signals as accounts
from accounts.models import User
from foodfleet.core.http.clients import Client
from notifications.services.compose import outbox
from notifications.services.compose.variables import link, security_facts


@receiver(accounts.password_reset_requested)
def send_reset_link(user: User, reset_token: str, client: Client, **kwargs: Any) -> None:
    """Send the link to choose a new password."""
    variables = {"link": link("reset", client, reset_token), "first_name": user.greeting_name}
    outbox.queue_email(template="password_reset", user=user, variables=variables, request_id=client.request_id)


@receiver(accounts.password_changed)
def send_password_changed(user: User, report_token: str, client: Client, **kwargs: Any) -> None:
    """Notify the owner."""
    outbox.queue_notice("password_changed", user, client, report_token)


@receiver(accounts.password_reset_done)
def send_password_reset_done(user: User, report_token: str, client: Client, **kwargs: Any) -> None:
    """Notify the owner."""
    variables = security_facts(user, client, report_token)
    outbox.queue_email(template="password_reset_done", user=user, variables=variables, request_id=client.request_id)


@receiver(accounts.compromise_reported)
def send_compromise_reset(user: User, reset_token: str, client: Client, **kwargs: Any) -> None:
    """Send the link to choose a new password after a compromise report."""
    variables = {"link": link("reset", client, reset_token), "first_name": user.greeting_name}
    outbox.queue_email(template="wasnt_me", user=user, variables=variables, request_id=client.request_id)


@receiver(accounts.user_invited)
def send_invitation(user: User, invitation_token: str, actor: User | None, client: Client, **kwargs: Any) -> None:
    """Send the link to choose the first password."""
    variables = {
        "link": link("invitation", client, invitation_token),
        "inviter": (actor.get_full_name() or actor.email) if actor else settings.SITE_NAME,
        "first_name": user.greeting_name,
    }
    outbox.queue_email(template="invitation", user=user, variables=variables, request_id=client.request_id)

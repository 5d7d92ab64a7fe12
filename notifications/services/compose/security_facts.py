"""What every mail about security says: when, from where, and what to do if it was somebody else."""

from typing import Any

from django.conf import settings
from django.utils import timezone, translation
from django.utils.formats import date_format

from accounts.models import User
from foodfleet.core.http.clients import Client
from foodfleet.core.http.user_agents import in_words
from foodfleet.core.names import has_link
from notifications.services.compose.links import link


def security_facts(user: User, client: Client, report_token: str) -> dict[str, Any]:
    """The variables `when`, `ip`, `device`, `not_me_link` and `first_name`, in the user's language."""
    with translation.override(user.language or settings.LANGUAGE_CODE):
        return {
            "when": f"{date_format(timezone.now(), 'DATETIME_FORMAT')} UTC",
            "ip": client.ip,
            "device": _device(client),
            "not_me_link": link("not_me", report_token),
            "first_name": user.greeting_name,
        }


def _device(client: Client) -> str:
    """What the client calls itself, unless that would be a link in the mail; else its program, in words."""
    named = client.device_name and not has_link(client.device_name)
    return client.device_name if named else in_words(client.user_agent)

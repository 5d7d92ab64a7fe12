"""Values that several of the product's templates share: links, dates and the facts of a security event."""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.formats import date_format

from accounts.models import User
from foodfleet.core.http.clients import Client, describe_user_agent
from foodfleet.core.names import has_link
from foodfleet.frontend_urls import TOKEN

# Our page for each event of FRONTEND_URLS.
PAGES = {
    "verify": "email_verify",
    "reset": "password_reset",
    "invitation": "password_reset",
    "email_change": "account_email_confirm",
    "email_undo": "account_email_undo",
    "report_compromise": "report_compromise",
    "login": "login",
    "forgot": "password_forgot",
    "account": "account",
}


def page_link(name: str, *args: str) -> str:
    """Return the absolute URL of a page, based on PUBLIC_URL."""
    return f"{settings.PUBLIC_URL}{reverse(name, args=args)}"


def link(event: str, client: Client, token: str = "") -> str:
    """Return the URL of the link for `event`: in the app that the client named, or else our page.

    Our page is also used if the name is no longer in FRONTEND_URLS, which may happen for deferred jobs.
    """
    url = settings.FRONTEND_URLS.get(client.frontend, {}).get(event)
    return url.replace(TOKEN, token) if url else page_link(PAGES[event], *filter(None, [token]))


def format_time(time: datetime, user: User) -> str:
    """Return a UTC time in the format of the user's language."""
    with translation.override(user.language or settings.LANGUAGE_CODE):
        return f"{date_format(time, 'DATETIME_FORMAT')} UTC"


def security_facts(user: User, client: Client, report_token: str) -> dict[str, Any]:
    """Return `when`, `ip`, `device`, `not_me_link` and `first_name`, which every security e-mail shows."""
    with translation.override(user.language or settings.LANGUAGE_CODE):
        device = _device(client)
    return {
        "when": format_time(timezone.now(), user),
        "ip": client.ip,
        "device": device,
        "not_me_link": link("report_compromise", client, report_token),
        "first_name": user.greeting_name,
    }


def _device(client: Client) -> str:
    """Return the client's device name, or its browser and system if it has no name or one with a link."""
    has_name = client.device_name and not has_link(client.device_name)
    return client.device_name if has_name else describe_user_agent(client.user_agent)

"""Who is calling, as services get to know it: values, no request."""

from dataclasses import dataclass, field
from typing import Any

from django.conf import settings

from foodfleet.core.http import ip_addresses


@dataclass(frozen=True)
class Client:
    """The program or browser at the other end.

    `ip` is the address that TRUSTED_PROXIES vouch for, '' where the server knows none; `device_name` is what the
    client calls itself, if it does; `device` is the random id that this browser or device was given when somebody
    signed in on it, '' before; `trusted_browser` is the cookie of a browser that skips the second factor.
    """

    ip: str = ""
    user_agent: str = ""
    device_name: str = ""
    request_id: str = ""
    device: str = field(default="", repr=False)
    trusted_browser: str = field(default="", repr=False)


def client_of(request: Any) -> Client:
    """The client of a Django or REST framework request, as ClientMiddleware found it."""
    client: Client = request.client
    return client


def keep_device(response: Any, device: str) -> None:
    """Let the browser show `device` (of `sign_in.SignedIn`) again next time: a cookie that no script can read."""
    response.set_cookie(
        settings.DEVICE_COOKIE_NAME,
        device,
        max_age=settings.DEVICE_COOKIE_AGE,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def keep_trusted_browser(response: Any, value: str) -> None:
    """Let the browser skip the second factor next time: `value` is of `trusted_browsers.remember`."""
    response.set_cookie(
        settings.TRUSTED_BROWSER_COOKIE_NAME,
        value,
        max_age=settings.TRUSTED_BROWSER_COOKIE_AGE,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def address_and_network(client: Client) -> tuple[str, str]:
    """The two keys that a client is counted under: IPv4 and its /24; IPv6 by /64, one household, and /48."""
    found = ip_addresses.address(client.ip)
    return (ip_addresses.household(found), ip_addresses.neighbourhood(found)) if found else ("unknown", "unknown")

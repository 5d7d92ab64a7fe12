"""The client of a request, as a value for services, which know no request."""

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from django.utils.translation import gettext as _
from ua_parser import parse

from foodfleet.core.http import ip_addresses
from foodfleet.core.names import has_link


@dataclass(frozen=True)
class Client:
    """The program or browser that sent a request.

    ip: its address as TRUSTED_PROXIES report it, '' if unknown. device_name: the name that the client sent. device: the
    random id that the browser got at a sign-in, '' before. trusted_browser: the cookie of a browser that skips the
    second step. frontend: the name in FRONTEND_URLS of the app that links in e-mails open, '' for our pages.
    """

    ip: str = ""
    user_agent: str = ""
    device_name: str = ""
    request_id: str = ""
    frontend: str = ""
    device: str = field(default="", repr=False)
    trusted_browser: str = field(default="", repr=False)


def client_of(request: Any) -> Client:
    """Return the client that ClientMiddleware attached to a Django or REST framework request."""
    client: Client = request.client
    return client


def address_and_network(client: Client) -> tuple[str, str]:
    """Return the two keys of a client's rate limits: an IPv4 address and its /24, or the /64 and /48 of IPv6."""
    found = ip_addresses.address(client.ip)
    return (ip_addresses.host_prefix(found), ip_addresses.network_prefix(found)) if found else ("unknown", "unknown")


def describe_user_agent(user_agent: str) -> str:
    """Return text such as "Firefox 120 on Windows", or the first word of an unknown header unless it is a link."""
    browser, system = _parsed(user_agent)
    if browser and system:
        return _("%(browser)s on %(system)s") % {"browser": browser, "system": system}
    word = user_agent.partition("/")[0].partition(" ")[0][:40]
    return browser or system or ("" if has_link(word) else word)


@lru_cache(maxsize=1024)
def _parsed(user_agent: str) -> tuple[str, str]:
    found = parse(user_agent)
    program = found.user_agent
    browser = " ".join(part for part in (program.family, program.major) if part) if program else ""
    return browser, found.os.family if found.os else ""

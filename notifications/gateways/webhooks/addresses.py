"""Protection against SSRF: host names are resolved once, and webhooks connect only to the checked IP addresses."""

import ipaddress
import socket
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeoutError

from django.conf import settings

from foodfleet.core.http import ip_addresses
from foodfleet.core.http.ip_addresses import Address

RESOLVE_SECONDS = 5.0
NAT64 = ipaddress.IPv6Network("64:ff9b::/96")  # RFC 6052: the last 32 bits are an IPv4 address
GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")  # RFC 4291 2.4: all that is assigned for public use
NOT_PUBLIC = (
    ipaddress.IPv4Network("168.63.129.16"),  # Azure's platform services for virtual machines
    ipaddress.IPv4Network("192.0.0.0/24"),  # RFC 6890, as a whole; Oracle's metadata among others
)

# DNS has no time-out of its own, so the lookup runs in a thread that can be abandoned.
_lookups = ThreadPoolExecutor(max_workers=4, thread_name_prefix="webhook-dns")


class UnresolvableError(Exception):
    """The name has no address, or DNS does not answer."""


class PrivateAddressError(Exception):
    """The name has an address in a network that webhooks may not reach."""


def resolve(host: str, port: int) -> Sequence[str]:
    """Return the addresses of a host, all of which webhooks may reach.

    Other notations of addresses, such as 2130706433 for 127.0.0.1, are resolved too before the check. Raises
    UnresolvableError, or PrivateAddressError if any address is not allowed.
    """
    lookup = _lookups.submit(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
    try:
        found = [str(entry[4][0]) for entry in lookup.result(timeout=RESOLVE_SECONDS)]
    except (OSError, UnicodeError, FutureTimeoutError) as error:
        lookup.cancel()
        raise UnresolvableError from error
    if not found:
        raise UnresolvableError
    if not all(is_allowed(text) for text in found):
        raise PrivateAddressError
    return list(dict.fromkeys(found))


def is_allowed(text: str) -> bool:
    """Return whether webhooks may reach this address: it is public, or in WEBHOOK_ALLOWED_NETS."""
    address = ip_addresses.address(text)
    if address is None:
        return False
    if any(address in network for network in settings.WEBHOOK_ALLOWED_NETS):
        return True
    return all(_is_public(form) for form in (address, *_embedded(address)))


def _is_public(address: Address) -> bool:
    if isinstance(address, ipaddress.IPv6Address) and not (address in GLOBAL_UNICAST or address in NAT64):
        return False
    is_excluded = address.is_multicast or any(address in network for network in NOT_PUBLIC)
    return address.is_global and not is_excluded


def _embedded(address: Address) -> list[Address]:
    """Return the IPv4 address to which a router or gateway may forward packets for this IPv6 address."""
    if isinstance(address, ipaddress.IPv4Address):
        return []
    if address in NAT64:
        return [ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)]
    inner = address.sixtofour or (address.teredo[1] if address.teredo else None)
    return [inner] if inner is not None else []

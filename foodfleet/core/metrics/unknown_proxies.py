"""Count requests from proxies that are not in TRUSTED_PROXIES, for the doctor."""

import re

from foodfleet.core.http import ip_addresses
from foodfleet.core.metrics.counters import Counter
from foodfleet.core.models import Sample

FORWARDED = Counter(
    "foodfleet_unknown_proxy_requests_total",
    "Requests with forwarding headers from an address that is not in TRUSTED_PROXIES.",
    "address",
)
PUBLIC = "public"  # one label for all public addresses, from which anybody can send such headers


def count(address: ip_addresses.Address | None) -> None:
    """Count a request whose forwarding headers were ignored."""
    FORWARDED.add(str(address) if address is not None and address.is_private else PUBLIC)


def private_addresses() -> set[ip_addresses.Address]:
    """Return the private addresses that have forwarded requests since the metric was reset."""
    series = Sample.objects.filter(series__startswith=FORWARDED.name).values_list("series", flat=True)
    texts = (re.search(r'address="([^"]*)"', text) for text in series)
    found = (ip_addresses.address(text[1]) for text in texts if text)
    return {address for address in found if address is not None}

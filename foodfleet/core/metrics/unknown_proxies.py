"""Which proxies forward requests and are not in TRUSTED_PROXIES: the doctor tells of them."""

import re

from foodfleet.core.http import ip_addresses
from foodfleet.core.metrics.counters import Counter
from foodfleet.core.models import Sample

FORWARDED = Counter(
    "foodfleet_unknown_proxy_requests_total",
    "Requests with X-Forwarded-For and the like from an address that TRUSTED_PROXIES lacks.",
    "address",
)
PUBLIC = "public"  # anybody can send such a header from there; a proxy stands in the private network


def count(address: ip_addresses.Address | None) -> None:
    """Count a request whose forwarding headers were ignored."""
    FORWARDED.add(str(address) if address is not None and address.is_private else PUBLIC)


def private_addresses() -> set[ip_addresses.Address]:
    """The private addresses that forwarded requests since the numbers were set to zero."""
    series = Sample.objects.filter(series__startswith=FORWARDED.name).values_list("series", flat=True)
    texts = (re.search(r'address="([^"]*)"', text) for text in series)
    found = (ip_addresses.address(text[1]) for text in texts if text)
    return {address for address in found if address is not None}

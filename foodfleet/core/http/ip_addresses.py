"""Normalize IP addresses from sockets and proxies."""

import ipaddress
import re
from functools import lru_cache

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

WITH_PORT = re.compile(r"\[(?P<v6>[^\[\]]+)\](?::\d{1,5})?|(?P<v4>[\d.]+):\d{1,5}", re.ASCII)
MAPPED = ipaddress.IPv6Network("::ffff:0:0/96")  # IPv4 on a dual-stack socket, RFC 4291 2.5.5.2


@lru_cache(maxsize=4096)
def address(text: str) -> Address | None:
    """Return the IP address in `text`; None if it has none.

    Accepts a port and brackets, as some proxies write them. An IPv4-mapped address (::ffff:192.0.2.1) becomes the IPv4
    address: otherwise all IPv4 addresses would be in one network. The zone of a link-local address (fe80::1%eth0, RFC
    4007) is dropped.
    """
    written = text.strip()
    if match := WITH_PORT.fullmatch(written):
        written = match["v6"] or match["v4"]
    try:
        found = ipaddress.ip_address(written)
    except ValueError:
        return None
    if isinstance(found, ipaddress.IPv6Address):
        return found.ipv4_mapped or ipaddress.IPv6Address(int(found))
    return found


def network(text: str) -> Network:
    """Return the network in `text`, in CIDR form or a single address. Raises ValueError."""
    found = ipaddress.ip_network(text.strip())
    if isinstance(found, ipaddress.IPv6Network) and found.subnet_of(MAPPED):
        inside = int(found.network_address) & 0xFFFFFFFF
        return ipaddress.IPv4Network((inside, found.prefixlen - MAPPED.prefixlen))
    return found


def host_prefix(of: Address) -> str:
    """Return the prefix of one customer: an IPv4 address, or the /64 of an IPv6 address."""
    return str(of) if of.version == 4 else _within(of, 64)


def network_prefix(of: Address) -> str:
    """Return the prefix of one organisation: the /24 of an IPv4 address, the /48 of an IPv6 address."""
    return _within(of, 24 if of.version == 4 else 48)


def _within(of: Address, prefix: int) -> str:
    return str(ipaddress.ip_network(f"{of}/{prefix}", strict=False))

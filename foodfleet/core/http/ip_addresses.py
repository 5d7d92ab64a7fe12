"""One form for each network address, however a socket or a proxy spells it."""

import ipaddress
import re

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

WITH_PORT = re.compile(r"\[(?P<v6>[^\[\]]+)\](?::\d{1,5})?|(?P<v4>[\d.]+):\d{1,5}", re.ASCII)
MAPPED = ipaddress.IPv6Network("::ffff:0:0/96")  # IPv4 as a socket that serves both shows it, RFC 4291 2.5.5.2


def address(text: str) -> Address | None:
    """The address that `text` names, None where it names none.

    Also with a port behind it, or in brackets, as some proxies write it. IPv4 in the form of IPv6 (::ffff:192.0.2.1) is
    the IPv4 address: else all of IPv4 would be one network. The zone of a link-local address (fe80::1%eth0, RFC 4007)
    is a name of this machine and left out.
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
    """The network that `text` names in CIDR form, or the one address. Raises ValueError."""
    found = ipaddress.ip_network(text.strip())
    if isinstance(found, ipaddress.IPv6Network) and found.subnet_of(MAPPED):
        inside = int(found.network_address) & 0xFFFFFFFF
        return ipaddress.IPv4Network((inside, found.prefixlen - MAPPED.prefixlen))
    return found


def household(of: Address) -> str:
    """What one customer of a provider has: an IPv4 address, or a /64 of IPv6."""
    return str(of) if of.version == 4 else _within(of, 64)


def neighbourhood(of: Address) -> str:
    """What one organisation has at most as a rule: a /24 of IPv4, a /48 of IPv6."""
    return _within(of, 24 if of.version == 4 else 48)


def _within(of: Address, prefix: int) -> str:
    return str(ipaddress.ip_network(f"{of}/{prefix}", strict=False))

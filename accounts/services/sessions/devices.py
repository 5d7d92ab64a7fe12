"""Knowing a device again that shows no cookie."""

from accounts.models import Session, User
from foodfleet.core import crypto
from foodfleet.core.http.clients import Client, address_and_network
from foodfleet.core.http.user_agents import in_words


def fingerprint(client: Client) -> str:
    """A digest, the same for the same program on a device of the same name in the same network."""
    parts = (client.device_name, in_words(client.user_agent), address_and_network(client)[1])
    return crypto.keyed_digest("\n".join(parts), purpose="device-fingerprint")[:32]


def known_to(user: User) -> set[tuple[str | None, str]]:
    """Addresses and browsers that the user signed in from, as their sessions tell."""
    named = Session.objects.of(user).exclude(user_agent="")
    return set(named.values_list("ip", "user_agent").distinct())

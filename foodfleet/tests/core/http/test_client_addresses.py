"""Who is calling: the address that TRUSTED_PROXIES vouch for, in one form."""

import ipaddress

import pytest
from django.conf import settings as configured

from foodfleet.core.http import ip_addresses
from foodfleet.core.http.clients import Client, address_and_network
from foodfleet.environment import Environment

NOBODYS = "/api/v1/auth/login/"
PROXY, CLIENT = "10.0.0.1", "203.0.113.9"

pytestmark = pytest.mark.once


@pytest.fixture
def seen(client, settings, db):
    """The address that a sign-in is written down with: `seen(peer, forwarded_for, trusted=...)`."""
    from accounts.models import SecurityEvent

    def ask(peer, forwarded=None, *, trusted=()):
        settings.TRUSTED_PROXIES = Environment({"TRUSTED_PROXIES": ",".join(trusted)}).networks("TRUSTED_PROXIES")
        headers = {} if forwarded is None else {"X-Forwarded-For": forwarded}
        body = {"email": "nobody@example.com", "password": "Wrong-Guess-1!"}
        answer = client.post(NOBODYS, body, "application/json", headers=headers, REMOTE_ADDR=peer)
        assert answer.status_code == 401, answer.content
        return SecurityEvent.objects.latest("pk").ip

    return ask


def test_no_proxy_is_trusted_by_default():
    assert configured.TRUSTED_PROXIES == []


@pytest.mark.parametrize("header", ["1.2.3.4", "127.0.0.1", "1.2.3.4, 5.6.7.8", "garbage", "", "::1"])
def test_forwarding_headers_of_untrusted_senders_are_ignored(seen, header):
    assert seen(CLIENT, header, trusted=[PROXY]) == CLIENT


@pytest.mark.parametrize(
    ("header", "caller"),
    [
        (CLIENT, CLIENT),
        (f"1.2.3.4, {CLIENT}", CLIENT),  # what the client wrote itself stands further left
        (f"{PROXY}, {CLIENT}", CLIENT),  # also where it names a proxy of ours
        (f"{CLIENT},10.0.0.2", CLIENT),  # two proxies in a row
        (f"1.2.3.4, {CLIENT}, 10.0.0.2, 10.0.0.3", CLIENT),
        ("10.0.0.2, 10.0.0.3", "10.0.0.2"),  # a call from one of our own machines
        (f"garbage, {CLIENT}", CLIENT),
        (f"{CLIENT}, garbage", PROXY),  # a proxy that does not say: it is the last that we know
        (f"{CLIENT}, unknown, 10.0.0.2", "10.0.0.2"),
        ("", PROXY),
        (None, PROXY),
        (",,,", PROXY),
        ("' OR 1=1 --", PROXY),
        ("9" * 5000, PROXY),
        (f"{CLIENT}:51234", CLIENT),
        ("[2001:db8::7]:443", "2001:db8::7"),
        ("2001:DB8:0::7", "2001:db8::7"),
        ("::ffff:203.0.113.9", CLIENT),
        ("fe80::1%eth0", "fe80::1"),
    ],
)
def test_a_trusted_proxy_names_the_client_address(seen, header, caller):
    assert seen(PROXY, header, trusted=["10.0.0.0/8"]) == caller


@pytest.mark.parametrize("peer", ["::ffff:10.0.0.1", "::ffff:a00:1", PROXY])
@pytest.mark.parametrize("trusted", ["10.0.0.0/8", "::ffff:10.0.0.0/104", "::ffff:10.0.0.1"])
def test_a_proxy_is_the_same_in_both_forms_of_its_address(seen, peer, trusted):
    assert seen(peer, CLIENT, trusted=[trusted]) == CLIENT


def test_an_ipv4_mapped_client_has_its_ipv4_address(seen):
    assert seen("::ffff:203.0.113.9") == CLIENT


@pytest.mark.parametrize("peer", ["", "unix:", "fe80::1%eth0", "localhost"])
def test_a_request_without_a_client_address_is_served(seen, peer):
    assert seen(peer) in {None, "fe80::1"}


def counted(ip):
    return address_and_network(Client(ip=ip))


def test_ipv4_mapped_clients_are_counted_separately():
    assert counted("::ffff:203.0.113.9") == counted(CLIENT) == (CLIENT, "203.0.113.0/24")
    assert counted("::ffff:198.51.100.1") == ("198.51.100.1", "198.51.100.0/24")


def test_ipv6_clients_are_counted_by_64_and_48_prefix():
    assert counted("2001:db8:1:2::3") == counted("2001:db8:1:2:ffff::9") == ("2001:db8:1:2::/64", "2001:db8:1::/48")
    assert counted("2001:db8:1:3::3") == ("2001:db8:1:3::/64", "2001:db8:1::/48")


def test_clients_without_an_address_share_one_count():
    assert counted("") == counted("nonsense") == ("unknown", "unknown")


@pytest.mark.parametrize(
    "text", ["1.2.3", "1.2.3.4.5", "1.2.3.4:", "1.2.3.4:123456", "[::1", "::1]", "0x7f.1", "1", "[]", " "]
)
def test_text_without_an_address_parses_to_none(text):
    assert ip_addresses.address(text) is None


def test_the_unmapped_part_of_ipv6_stays_ipv6():
    assert ip_addresses.network("::/0") == ipaddress.ip_network("::/0")
    assert ip_addresses.address("::1") == ipaddress.ip_address("::1")

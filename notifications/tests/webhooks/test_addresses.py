"""Which addresses webhooks may reach, in all the forms that systems understand."""

import ipaddress
import socket

import pytest

from notifications.gateways.webhooks import addresses
from notifications.gateways.webhooks.posting import HttpWebhookGateway, Webhook
from notifications.tests.webhooks.receiver import Receiver

pytestmark = pytest.mark.once
PUBLIC = ["93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946", "64:ff9b::5db8:d822"]
PRIVATE = [
    "127.0.0.1", "127.8.8.8", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.1.1", "100.64.0.1", "100.100.100.200",
    "169.254.169.254", "168.63.129.16", "192.0.0.192", "192.0.2.1", "198.18.0.1", "224.0.0.1", "240.0.0.1",
    "255.255.255.255", "::", "::1", "::127.0.0.1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "fec0::1",
    "ff02::1", "2001:db8::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:a9fe:a9fe", "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe", "64:ff9b:1::a00:1", "2002:7f00:1::", "2002:a00:1::1", "2001:0:4136:e378:8000:63bf:3fff:fdd2",
]  # fmt: skip


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_allowed(address):
    assert addresses.is_allowed(address)


@pytest.mark.parametrize("address", PRIVATE)
def test_private_addresses_in_any_form_are_refused(address):
    assert not addresses.is_allowed(address)


def test_allowed_networks_are_allowed_in_the_mapped_form_too(settings):
    settings.WEBHOOK_ALLOWED_NETS = [ipaddress.ip_network("10.1.0.0/16")]
    assert addresses.is_allowed("10.1.2.3")
    assert addresses.is_allowed("::ffff:10.1.2.3")
    assert not addresses.is_allowed("10.2.0.1")


@pytest.mark.parametrize("host", ["2130706433", "0x7f000001", "0177.0.0.1", "127.1", "localhost", "::1"])
def test_every_spelling_of_loopback_is_resolved_before_it_is_checked(host):
    with pytest.raises(addresses.PrivateAddressError):
        addresses.resolve(host, 80)


def test_one_private_address_among_public_ones_is_refused(monkeypatch):
    answers = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, 80)) for ip in ("93.184.216.34", "10.0.0.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: answers)
    with pytest.raises(addresses.PrivateAddressError):
        addresses.resolve("example.com", 80)


def test_the_checked_address_is_used_whatever_dns_says_next(monkeypatch, settings):
    """DNS rebinding: the second look-up of the name would lead to a private address."""
    receiver = Receiver()
    settings.WEBHOOK_ALLOWED_NETS = [ipaddress.ip_network("127.0.0.1/32")]
    port = receiver.server.server_port
    looked_up, real = [], socket.getaddrinfo

    def rebinding(host, *args, **kwargs):
        if host != "rebind.example":
            return real(host, *args, **kwargs)
        looked_up.append(host)
        return real("127.0.0.1" if len(looked_up) == 1 else "127.0.0.2", *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    webhook = Webhook("1", f"http://rebind.example:{port}/", "{}", ["whsec_" + "A" * 32])
    try:
        assert HttpWebhookGateway().post(webhook).status == 200
        assert looked_up == ["rebind.example"]
        assert receiver.requests[0][0]["Host"] == f"rebind.example:{port}"
        assert HttpWebhookGateway().post(webhook).error == "The host has an address in a private network."
        assert len(receiver.requests) == 1
    finally:
        receiver.close()

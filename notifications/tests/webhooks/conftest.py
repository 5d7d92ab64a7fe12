import ipaddress

import pytest

from notifications.services.webhooks import endpoints
from notifications.services.webhooks.endpoints import NewEndpoint
from notifications.tests.webhooks.receiver import Receiver


@pytest.fixture
def on_loopback(settings):
    """Webhooks may reach this machine."""
    settings.WEBHOOK_ALLOWED_NETS = [ipaddress.ip_network("127.0.0.0/8")]


@pytest.fixture
def receiver(on_loopback):
    """A receiver that answers 200 unless the test says otherwise."""
    server = Receiver()
    yield server
    server.close()


@pytest.fixture
def subscribe(receiver, user):
    """Add an endpoint of Ann's for these events; returns it with its secret."""

    def add(*events, url=""):
        return endpoints.create(new=NewEndpoint(url=url or receiver.url, events=events or ["*"]), by=None)

    return add

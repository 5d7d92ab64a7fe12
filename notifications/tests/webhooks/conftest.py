import pytest

from notifications.services.webhooks import endpoints
from notifications.services.webhooks.endpoints import NewEndpoint


@pytest.fixture
def subscribe(receiver, user):
    """Add an endpoint of Ann's for these events; returns it with its secret."""

    def add(*events, url=""):
        return endpoints.create(new=NewEndpoint(url=url or receiver.url, events=events or ["*"]), by=None)

    return add


@pytest.fixture
def bob(make_user):
    """Somebody to whom something happens."""
    return make_user("bob@example.com")

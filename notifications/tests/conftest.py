"""Fixtures of several tests of notifications."""

from ipaddress import ip_network

import pytest
from django.utils import timezone

from notifications.api.views.feedback import SesWebhookView
from notifications.models import Message
from notifications.services.feedback import sns_envelopes
from notifications.states import Channel, Status
from notifications.tests.sns import TOPIC, FakeHttp
from notifications.tests.webhooks.receiver import Receiver


@pytest.fixture
def boss(client, make_user, settings):
    """A browser of somebody who may do everything."""
    settings.ADMIN_REQUIRE_2FA = False
    client.force_login(make_user("boss@example.com", is_staff=True, is_superuser=True))
    return client


@pytest.fixture
def http(settings, monkeypatch):
    """Amazon, as far as we ask it for something."""
    settings.SES_TOPIC_ARNS = [TOPIC]
    sns_envelopes._keys.clear()
    fake = FakeHttp()
    monkeypatch.setattr(SesWebhookView, "http_factory", staticmethod(lambda: fake))
    return fake


@pytest.fixture
def sent():
    """A mail that Amazon took."""
    return Message.objects.create(
        channel=Channel.EMAIL,
        to=["ann@example.com"],
        status=Status.SENT,
        provider_message_id="ses-1",
        sent_at=timezone.now(),
    )


@pytest.fixture
def may_do_all(user):
    """Ann may do everything."""
    user.is_superuser = True
    user.save(update_fields=["is_superuser"])


@pytest.fixture
def on_loopback(settings):
    """Webhooks may reach this machine."""
    settings.WEBHOOK_ALLOWED_NETS = [ip_network("127.0.0.0/8")]


@pytest.fixture
def receiver(on_loopback):
    """A receiver of webhooks that answers 200 unless the test says otherwise."""
    server = Receiver()
    yield server
    server.close()


@pytest.fixture
def by_worker(settings, monkeypatch):
    """Nothing is sent by itself: a broker is named, and no worker is notified."""
    settings.CELERY_BROKER_URL = "memory://"
    monkeypatch.setattr("notifications.tasks.dispatch.apply_async", lambda *args, **kwargs: None)

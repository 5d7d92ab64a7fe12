"""Which endpoints an event goes to, without a query where nothing changed."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from accounts.services.account import profile
from notifications.models import Message, WebhookDelivery
from notifications.states import Channel
from notifications.tests.webhooks.receiver import happen

pytestmark = pytest.mark.django_db


def test_nothing_is_written_that_nobody_subscribes_to(subscribe, bob):
    subscribe("user.deleted")
    happen(bob)
    assert not WebhookDelivery.objects.exists()


def test_without_endpoints_an_event_costs_one_look_up_and_no_row(user):
    with CaptureQueriesContext(connection) as queries:
        profile.change(user=user, last_name="Miller")
    about_webhooks = [query["sql"] for query in queries if "webhook" in query["sql"]]
    assert len(about_webhooks) == 1
    assert not Message.objects.filter(channel=Channel.WEBHOOK).exists()


def test_signing_in_and_refreshing_look_up_no_endpoints(api, user, sign_in):
    with CaptureQueriesContext(connection) as queries:
        refresh = sign_in()["refresh"]
        api.post("/api/v1/auth/refresh/", {"refresh": refresh})
    assert [query["sql"] for query in queries if "webhook" in query["sql"]] == []
    assert User.objects.count() == 1

"""All processes share the rate of the provider, which leaves room for codes."""

import pytest

from notifications.gateways import ses
from notifications.services.compose.policies import SMS_CODE
from notifications.services.compose.sms import send_sms
from notifications.services.compose.writing import MessageDraft
from notifications.services.delivery import quota
from notifications.services.delivery.quota import Quota
from notifications.states import Channel, Priority
from notifications.tests.delivery.dispatching import FakeGateway, dispatch, mail

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("by_worker")]


@pytest.fixture(autouse=True)
def unknown_quota(monkeypatch):
    """Nobody has asked SES for its quota yet."""
    monkeypatch.setattr(quota, "_known", {})


def test_rate_counts_recipients_and_bulk_leaves_room_for_codes(settings):
    settings.EMAIL_MAX_PER_SECOND = 14
    quota = Quota()
    waits = [quota.acquire(Channel.EMAIL, 1, Priority.BULK) for _ in range(3)]
    assert waits[0] == 0
    assert 0 < waits[1] <= 0.1
    assert quota.acquire(Channel.EMAIL, 1, Priority.CODE) < waits[1]


def test_channel_without_rate_is_not_limited(settings):
    settings.EMAIL_MAX_PER_SECOND = None
    assert [Quota().acquire(Channel.EMAIL, 50, Priority.BULK) for _ in range(100)] == [0] * 100


def test_the_ses_quota_is_read_once_and_not_for_sms(settings, monkeypatch):
    settings.EMAIL_URL = "amazonses://"
    requested = []
    monkeypatch.setattr(ses, "max_per_second", lambda: requested.append(1) or 100.0)
    send_sms(to="+4915112345678", text="code", draft=MessageDraft(policy=SMS_CODE))
    dispatch(FakeGateway(), Channel.SMS)
    assert requested == []
    for number in range(3):
        mail(number)
        dispatch(FakeGateway())
    assert requested == [1]

"""Delivery reports of SMS from the SNS log."""

import json
from datetime import timedelta

import pytest
from django.utils import timezone

from notifications.exceptions import TemporaryDeliveryError
from notifications.gateways.sns_log import LogLine
from notifications.models import Message, Receipt, Suppression
from notifications.services.feedback import sms_log
from notifications.states import Channel, Status

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def groups(settings):
    settings.SNS_DELIVERY_LOG_GROUPS = [
        "sns/eu-central-1/1/DirectPublishToPhoneNumber",
        "sns/eu-central-1/1/DirectPublishToPhoneNumber/Failure",
    ]


def line(number, provider_id, status, answer):
    timestamp = timezone.now().strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
    return LogLine(str(number), json.dumps({
        "notification": {"messageId": provider_id, "timestamp": timestamp}, "status": status,
        "delivery": {"destination": "+4915112345678", "priceInUSD": 0.08, "providerResponse": answer, "dwellTimeMs": 400},
    }))  # fmt: skip


def test_each_log_line_is_applied_once():
    arrived, lost = (
        Message.objects.create(channel=Channel.SMS, to=["+4915112345678"], status=Status.SENT, provider_message_id=key)
        for key in ("sns-1", "sns-2")
    )
    starts = []

    def lines(group, since_ms):
        starts.append(since_ms)
        if group.endswith("Failure"):
            yield line(2, "sns-2", "FAILURE", "Phone number is opted out")
            yield LogLine("3", "no json")
        else:
            yield line(1, "sns-1", "SUCCESS", "Message has been accepted by phone")

    assert sms_log.read(lines=lines) == 3
    assert sms_log.read(lines=lines) == 1  # only the line that nobody can read
    arrived.refresh_from_db()
    lost.refresh_from_db()
    assert (arrived.status, lost.status) == ("delivered", "bounced")
    assert arrived.events.get().details["price_in_usd"] == "0.08"
    assert [(row.channel, row.address, row.reason) for row in Suppression.objects.all()] == [
        ("sms", "+4915112345678", "opt_out")
    ]
    assert starts[2] > starts[0]
    assert Receipt.objects.count() == 2


def test_log_groups_have_separate_positions():
    lost = Message.objects.create(
        channel=Channel.SMS, to=["+4915112345678"], status=Status.SENT, provider_message_id="sns-2"
    )
    is_refused = True

    def lines(group, since_ms):
        if not group.endswith("Failure"):
            yield line(1, "sns-1", "SUCCESS", "Message has been accepted by phone")
        elif is_refused:
            raise TemporaryDeliveryError("throttled")
        elif since_ms < (timezone.now() - timedelta(minutes=30)).timestamp() * 1000:
            yield line(2, "sns-2", "FAILURE", "Unknown number")

    sms_log.read(lines=lines)
    is_refused = False
    sms_log.read(lines=lines)
    lost.refresh_from_db()
    assert lost.status == "bounced"


def test_unstorable_log_line_does_not_block_others():
    def lines(group, since_ms):
        if not group.endswith("Failure"):
            odd = line(1, "sns-1", "FAILURE", "x")
            yield LogLine("1", odd.text.replace('"x"', '"x\\ud800\\u0000"'))
            yield line(2, "sns-2", "SUCCESS", "Message has been accepted by phone")

    assert sms_log.read(lines=lines) == 2
    assert Receipt.objects.count() == 2


def test_unreachable_log_is_a_warning_and_retried():
    def lines(group, since_ms):
        raise TemporaryDeliveryError("away")
        yield

    assert sms_log.read(lines=lines) == 0


def test_without_log_groups_nothing_is_read(settings):
    settings.SNS_DELIVERY_LOG_GROUPS = []
    assert sms_log.read(lines=lambda *a: pytest.fail("read")) == 0

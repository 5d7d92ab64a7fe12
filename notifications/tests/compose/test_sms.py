"""SMS are checked before they are queued, and limited in number."""

import contextlib

import pytest
from structlog.testing import capture_logs

from foodfleet.core.exceptions import ValidationException
from notifications.exceptions import SmsLimitException
from notifications.models import Message
from notifications.services.compose.sms import SmsExtras, send_sms
from notifications.states import Status

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize(
    "number", ["", "0151", "+0151234567", "+49 151 1234567", "+49151123456789012", "+4915112345678\n"]
)
def test_only_e164_numbers_are_accepted(number):
    with pytest.raises(ValidationException):
        send_sms(to=number, text="x")


def test_sms_text_length_and_sender_id_are_validated():
    for fields in ({"text": ""}, {"text": "x" * 1601}, {"extras": SmsExtras(sender_id="far too long a name")}):
        with pytest.raises(ValidationException):
            send_sms(**{"to": "+4915112345678", "text": "x", **fields})


def test_file_gateway_writes_sms_to_a_file(settings, tmp_path):
    settings.SMS_URL = f"file://{tmp_path}/texts"
    message = send_sms(to="+4915112345678", text="Grüße")
    [file] = (tmp_path / "texts").glob("*.txt")
    assert "To: +4915112345678" in file.read_text()
    assert file.read_text().endswith("\n\nGrüße\n")
    message.refresh_from_db()
    assert message.status == Status.SENT


@pytest.mark.parametrize(
    ("name", "others"), [("number", "+4915112345678"), ("country", "+4915100000000"), ("all", "+33612345678")]
)
def test_sms_limits_refuse_further_sms(settings, name, others):
    settings.SMS_LIMITS = {"number": None, "country": None, "all": None, name: (2, 3600)}
    send_sms(to="+4915112345678", text="x")
    send_sms(to=others, text="x")
    with pytest.raises(SmsLimitException):
        send_sms(to="+4915112345678", text="x")
    assert Message.objects.count() == 2


@pytest.mark.parametrize("name", ["number", "country", "all"])
def test_sms_limits_are_sliding_windows_and_are_logged(settings, monkeypatch, name):
    settings.SMS_LIMITS = {"number": None, "country": None, "all": None, name: (2, 3600)}
    edge = 500_000 * 3600.0
    alerts = 0
    for second in (-2, -1, 1, 2):
        monkeypatch.setattr("foodfleet.core.cache.rate_limits.time", lambda second=second: edge + second)
        with capture_logs() as log, contextlib.suppress(SmsLimitException):
            send_sms(to="+4915112345678", text="x")
        alerts += [(one["event"], one.get("limit"), one["log_level"]) for one in log].count(
            ("sms_limit_reached", name, "error")
        )
    assert (Message.objects.count(), alerts) == (2, 2)


def test_refused_sms_counts_for_no_limit(settings):
    settings.SMS_LIMITS = {"number": (1, 3600), "country": (2, 3600), "all": (3, 3600)}
    for _ in range(5):
        with contextlib.suppress(SmsLimitException):
            send_sms(to="+4915112345678", text="x")
    send_sms(to="+4915100000000", text="x")
    send_sms(to="+33612345678", text="x")
    assert Message.objects.count() == 3

"""Validation of messages before they are queued, and SMS limits."""

import contextlib

import pytest
from structlog.testing import capture_logs

from foodfleet.core.exceptions import ValidationException
from notifications.exceptions import MailTooLargeException, SmsLimitException
from notifications.models import Attachment, Message
from notifications.services.compose.email import EmailExtras, NewAttachment, send_email
from notifications.services.compose.sms import SmsExtras, send_sms
from notifications.services.delivery.quota import Quota
from notifications.states import Channel, Priority, Status

pytestmark = pytest.mark.django_db(transaction=True)

LINE_BREAK = "x\r\nBcc: everybody@example.com"


@pytest.mark.parametrize(
    "fields",
    [
        {"subject": LINE_BREAK},
        {"to": [f"ann@example.com{LINE_BREAK}"]},
        {"to": ["Ann\nBcc: <bob@example.com>"]},
        {"extras": EmailExtras(cc=[f"ann@example.com{LINE_BREAK}"])},
        {"extras": EmailExtras(reply_to=[f"ann@example.com{LINE_BREAK}"])},
        {"extras": EmailExtras(from_email=f"ann@example.com{LINE_BREAK}")},
        {"extras": EmailExtras(attachments=[NewAttachment(LINE_BREAK, b"x")])},
        {"extras": EmailExtras(attachments=[NewAttachment("x", b"x", LINE_BREAK)])},
        {"extras": EmailExtras(tags={"a": LINE_BREAK})},
        {"extras": EmailExtras(configuration_set=LINE_BREAK)},
    ],
)
def test_line_breaks_in_headers_are_refused(fields):
    with pytest.raises(ValidationException):
        send_email(**{"to": ["ann@example.com"], "subject": "x", "text": "x", **fields})
    assert Message.objects.count() == 0


@pytest.mark.parametrize(
    "content_type",
    [
        "nonsense",
        "a/b/c",
        "image/",
        "/png",
        "ä/ö",
        "multipart/mixed",
        "message/rfc822",
        "Message/Partial",
        "text/plain; x",
    ],
)
def test_invalid_content_type_is_refused(content_type):
    files = [NewAttachment("x", b"x", content_type)]
    with pytest.raises(ValidationException) as refused:
        send_email(to=["ann@example.com"], subject="x", text="x", extras=EmailExtras(attachments=files))
    assert refused.value.details["attachments"][0]["code"] == "invalid_content_type"


@pytest.mark.parametrize(
    ("filename", "content_type"),
    [
        ("a.pdf", "application/pdf"), ("a", "application/octet-stream"), ("a.tar.gz", "application/gzip"),
        ("a.tar.bz2", "application/octet-stream"), ("a.eml", "application/octet-stream"),
    ],
)  # fmt: skip
def test_content_type_is_guessed_from_the_file_name(filename, content_type):
    assert NewAttachment(filename, b"x").guessed_type() == content_type


@pytest.mark.parametrize(
    "to",
    [
        "", "ann", "ann@", "@example.com", "ann@example.com, bob@example.com", "jürgen@example.com", "a b@example.com",
        f"ann@{'ü' * 60}.example", f"ann@{'.'.join(['abcdefghi'] * 30)}.example", f"ann@{'.'.join(['üüüüüü'] * 20)}.example",
    ],
)  # fmt: skip
def test_invalid_email_address_is_refused(to):
    with pytest.raises(ValidationException) as refused:
        send_email(to=[to], subject="x", text="x")
    assert list(refused.value.details) == ["to"]


@pytest.mark.parametrize("to", ["ann@example.com", "Ann Müller <ann@bücher.example>", '"Ann, Esq." <ann@example.com>'])
def test_address_may_have_a_name_and_an_idn_domain(to):
    assert send_email(to=[to], subject="x", text="x").to == [to]


@pytest.mark.parametrize("files", [["x" * 256], ["漢" * 86], ["x"] * 491])
def test_too_many_or_long_file_names_are_refused(files):
    extras = EmailExtras(attachments=[NewAttachment(name, b"") for name in files])
    with pytest.raises(ValidationException) as refused:
        send_email(to=["ann@example.com"], subject="x", text="x", extras=extras)
    assert list(refused.value.details) == ["attachments"]


def test_missing_or_too_many_recipients_are_refused():
    for fields in ({"to": []}, {"text": " "}, {"to": [f"{n}@example.com" for n in range(51)]}):
        with pytest.raises(ValidationException):
            send_email(**{"to": ["ann@example.com"], "subject": "x", "text": "x", **fields})


def test_too_large_email_is_refused(settings):
    settings.EMAIL_MAX_MEGABYTES = 1
    fits = NewAttachment("x", b"x" * 700_000)
    send_email(to=["ann@example.com"], subject="x", text="x", extras=EmailExtras(attachments=[fits]))
    with pytest.raises(MailTooLargeException):
        send_email(to=["ann@example.com"], subject="x", text="x", extras=EmailExtras(attachments=[fits, fits]))
    assert Attachment.objects.count() == 1


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

"""E-mails are checked before they are queued."""

import pytest

from foodfleet.core.exceptions import ValidationException
from notifications.exceptions import MailTooLargeException
from notifications.models import Attachment, Message
from notifications.services.compose import email
from notifications.services.compose.email import EmailExtras, NewAttachment, send_email

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


@pytest.mark.parametrize("body", ["=" * 5000, "ä" * 5000, "\U0001f600" * 5000, "x\n" * 5000, "\r" * 5000, " \n" * 999])
def test_size_estimate_is_never_too_low(body):
    exact = email.encoded_size([body], [100])
    assert email.is_surely_within(exact * 13, [body], [100])
    assert not email.is_surely_within(exact - 1, [body], [100])

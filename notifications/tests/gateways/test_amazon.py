"""E-mail and SMS as Amazon gets them: moto's server in its own process."""

import contextlib
import email
import threading
from datetime import timedelta
from decimal import Decimal
from email import policy
from http.server import BaseHTTPRequestHandler, HTTPServer

import boto3
import pytest
import requests
from django.core.files.base import ContentFile
from django.core.management import call_command
from django.utils import timezone

from foodfleet.core.exceptions import ServiceUnavailableException
from foodfleet.environment import Environment
from foodfleet.tests import processes
from notifications.models import Attachment, Message, StoredFile
from notifications.services.compose import attachments, outbox
from notifications.services.compose.email import EmailExtras, NewAttachment, send_email
from notifications.services.compose.policies import MARKETING
from notifications.services.compose.sms import SmsExtras, send_sms
from notifications.services.compose.writing import MessageDraft
from notifications.states import Status

pytestmark = pytest.mark.django_db(transaction=True)

KEYS = {"region_name": "us-east-1", "aws_access_key_id": "testing", "aws_secret_access_key": "testing"}


@pytest.fixture(scope="module")
def moto(tmp_path_factory):
    port = processes.free_port()
    address = f"http://127.0.0.1:{port}"
    server = processes.Process(processes.moto_command(port), tmp_path_factory.mktemp("moto") / "log")
    processes.wait_until(lambda: requests.get(f"{address}/moto-api/", timeout=2).ok, what="moto's start")
    yield address
    server.stop()


@pytest.fixture(params=["v1", "v2"])
def amazon(moto, settings, request):
    requests.post(f"{moto}/moto-api/reset", timeout=5)
    ses = boto3.client("ses", endpoint_url=moto, **KEYS)
    ses.verify_email_identity(EmailAddress="no-reply@foodfleet.example")
    settings.AWS_ENDPOINT_URL, settings.SES_API = moto, request.param
    settings.EMAIL_URL, settings.EMAIL_BACKEND = "amazonses://", "notifications.gateways.ses.SESBackend"
    settings.EMAIL_MAX_PER_SECOND = settings.SMS_MAX_PER_SECOND = 100
    settings.SMS_URL = "sns://"
    return lambda: requests.get(f"{moto}/moto-api/data.json", timeout=5).json()


def mails(amazon):
    raw = amazon().get("ses", {}).get("RawMessage", [])
    return [(email.message_from_bytes(entry["raw_data"].encode(), policy=policy.default), entry) for entry in raw]


def test_a_mail_arrives_whole_and_bcc_is_in_no_header(amazon):
    extras = EmailExtras(
        cc=["Cäcilie Müller <cc@bücher.example>"],
        bcc=["hidden@example.com"],
        reply_to=["reply@example.com"],
        attachments=[
            NewAttachment("menu.pdf", b"%PDF-1.7 \x00\xff", "application/pdf"),
            NewAttachment("grüße.txt", ContentFile("Grüße".encode(), name="x")),
        ],
        tags={"campaign": "spring"},
        configuration_set="fleet",
    )
    html = "<style>p { color: red }</style><p>Hello <a href='https://example.com/menu'>Ännchen</a></p><ul><li>One</li></ul>"
    message = send_email(to=["Ann <ann@example.com>"], subject="Grüße & more", html=html, extras=extras)
    [(mail, entry)] = mails(amazon)
    assert mail["Subject"] == "Grüße & more"
    assert mail["To"] == "Ann <ann@example.com>"
    assert [(a.display_name, a.addr_spec) for a in mail["Cc"].addresses] == [
        ("Cäcilie Müller", "cc@xn--bcher-kva.example")
    ]
    assert mail["Reply-To"] == "reply@example.com"
    assert set(entry["destinations"]) == {  # SES takes ASCII alone
        "Ann <ann@example.com>", "=?utf-8?q?C=C3=A4cilie_M=C3=BCller?= <cc@xn--bcher-kva.example>", "hidden@example.com"
    }  # fmt: skip
    assert "hidden" not in entry["raw_data"]
    assert mail["Bcc"] is None
    assert (mail["X-SES-CONFIGURATION-SET"], "campaign=spring" in mail["X-SES-MESSAGE-TAGS"]) == ("fleet", True)
    assert (
        mail.get_body(("plain",)).get_content().replace("\r", "")
        == "Hello Ännchen (https://example.com/menu)\n\n- One\n"
    )
    assert 'style="color: red' in mail.get_body(("html",)).get_content()
    files = {part.get_filename(): part for part in mail.iter_attachments()}
    assert files["menu.pdf"].get_content() == b"%PDF-1.7 \x00\xff"
    assert files["menu.pdf"].get_content_type() == "application/pdf"
    assert files["grüße.txt"].get_content() == "Grüße"
    message.refresh_from_db()
    assert message.status == Status.SENT
    assert message.provider_message_id
    assert [row.file.name for row in Attachment.objects.all()] == ["", ""]
    assert not StoredFile.objects.exists()


@pytest.mark.parametrize(
    ("content_type", "content"),
    [
        ("text/csv", b"x,y\n1,2\n"),
        ("text/csv", "ä,ö\r\n".encode("latin-1")),
        ("text/plain; charset=utf-16", "ä".encode("utf-16")),
        ("text/calendar; method=REQUEST", b"BEGIN:VCALENDAR\nEND:VCALENDAR"),
        ("application/json", b""),
    ],
)
def test_a_file_arrives_byte_for_byte_under_its_type(amazon, content_type, content):
    files = [NewAttachment("file", content, content_type)]
    send_email(to=["ann@example.com"], subject="x", text="x", extras=EmailExtras(attachments=files))
    [(mail, _entry)] = mails(amazon)
    [part] = mail.iter_attachments()
    assert part["Content-Type"].replace('"', "").startswith(content_type)
    assert part.get_payload(decode=True) == content


def test_a_bulk_mail_has_one_click_to_unsubscribe(amazon, user):
    draft = MessageDraft(policy=MARKETING, user=user)
    send_email(to=[user.email], subject="New trucks", text="Come and see", draft=draft)
    call_command("deliver_due")
    [(mail, _)] = mails(amazon)
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert mail["List-Unsubscribe"].strip().startswith("<http://testserver/")


def test_a_message_of_an_unverified_sender_waits_with_its_reason(amazon):
    message = send_email(
        to=["ann@example.com"], subject="x", text="y", extras=EmailExtras(from_email="nobody@unknown.example")
    )
    message.refresh_from_db()
    assert message.status == Status.QUEUED
    assert "MessageRejected" in message.last_error


def test_an_sms_arrives_at_amazon(amazon, user):
    extras = SmsExtras(sender_id="FoodFleet", max_price=Decimal("0.50"))
    message = send_sms(to="+4915112345678", text="Ihr Wagen ist da", extras=extras)
    outbox.queue_sms(template="2fa_code", phone="+4915112345678", user=user, variables={"code": "123456"})
    texts = [text for region in [amazon()["sns"]["SMS"]] for text in region]
    assert [(text["phone_number"], text["message"]) for text in texts] == [
        ("+4915112345678", "Ihr Wagen ist da"),
        ("+4915112345678", "Your verification code is: 123456"),
    ]
    message.refresh_from_db()
    assert message.status == Status.SENT
    assert message.provider_message_id


@pytest.fixture
def bucket(amazon, moto, settings):
    """Attachments wait in S3."""
    boto3.client("s3", endpoint_url=moto, **KEYS).create_bucket(Bucket="files")
    environment = Environment({"ATTACHMENTS_URL": "s3://files/waiting"})
    entry = environment.attachments("ATTACHMENTS_URL", region="us-east-1", endpoint=moto)
    entry["OPTIONS"] |= {"access_key": "testing", "secret_key": "testing"}
    settings.STORAGES = {**settings.STORAGES, "attachments": entry}
    return boto3.resource("s3", endpoint_url=moto, **KEYS).Bucket("files")


def test_files_wait_in_a_bucket_until_they_are_sent(amazon, bucket):
    later = MessageDraft(send_at=timezone.now() + timedelta(hours=1))
    extras = EmailExtras(attachments=[NewAttachment("menu.pdf", b"%PDF")])
    send_email(to=["ann@example.com"], subject="x", text="x", extras=extras, draft=later)
    [waiting] = bucket.objects.all()
    assert waiting.key.startswith("waiting/attachments/")
    assert attachments.discard_orphans(timezone.now() + timedelta(days=2)) == 0
    Message.objects.update(due_at=timezone.now())
    call_command("deliver_due")
    [(mail, _entry)] = mails(amazon)
    assert [part.get_content() for part in mail.iter_attachments()] == [b"%PDF"]
    assert not list(bucket.objects.all())


def test_a_bucket_that_is_away_refuses_the_mail_for_now(bucket, settings):
    bucket.delete()
    extras = EmailExtras(attachments=[NewAttachment("menu.pdf", b"%PDF")])
    with pytest.raises(ServiceUnavailableException):
        send_email(to=["ann@example.com"], subject="x", text="x", extras=extras)
    assert not Message.objects.exists()


def test_a_number_that_answered_stop_is_left_alone(amazon):
    message = send_sms(to="+120655501099", text="Hello")  # moto: numbers that end in 99 have opted out
    message.refresh_from_db()
    assert message.status == Status.SUPPRESSED


def test_amazon_away_is_not_the_callers_trouble(amazon, settings):
    settings.AWS_ENDPOINT_URL = f"http://127.0.0.1:{processes.free_port()}"
    message = send_email(to=["ann@example.com"], subject="x", text="y")
    message.refresh_from_db()
    assert (message.status, message.attempts) == (Status.QUEUED, 1)
    assert Message.objects.get().last_error.startswith("Amazon could not be reached")


ACCEPTED = (
    b'<SendRawEmailResponse xmlns="http://ses.amazonaws.com/doc/2010-12-01/"><SendRawEmailResult>'
    b"<MessageId>m-1</MessageId></SendRawEmailResult></SendRawEmailResponse>"
)


@contextlib.contextmanager
def answering(settings, status, body):
    """An Amazon that gives this answer to everything."""

    class Amazon(BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args):
            pass

    with HTTPServer(("127.0.0.1", 0), Amazon) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        settings.AWS_ENDPOINT_URL = f"http://127.0.0.1:{server.server_port}"
        settings.EMAIL_URL, settings.EMAIL_BACKEND = "amazonses://", "notifications.gateways.ses.SESBackend"
        settings.EMAIL_MAX_PER_SECOND = 100
        yield
        server.shutdown()


def test_an_email_accepted_without_a_request_id_is_sent(settings):
    with answering(settings, 200, ACCEPTED):
        message = send_email(to=["ann@example.com"], subject="Hello", text="Hello")
        message.refresh_from_db()
    assert (message.status, message.provider_message_id) == (Status.SENT, "m-1")


@pytest.mark.parametrize(("status", "body"), [(502, b"<!doctype html><title>Bad gateway"), (200, ACCEPTED[:-20])])
def test_an_answer_that_is_not_amazons_is_tried_again(settings, status, body):
    with answering(settings, status, body):
        message = send_email(to=["ann@example.com"], subject="Hello", text="Hello")
        message.refresh_from_db()
    assert (message.status, message.attempts, message.is_uncertain) == (Status.QUEUED, 1, True)
    assert Message.objects.get().last_error.startswith("Amazon's response was lost")

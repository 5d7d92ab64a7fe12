"""Faults of our account or settings at the provider: no message is lost, and one error is logged."""

import smtplib

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError
from django.core import mail as outbox
from django.utils import timezone
from structlog.testing import capture_logs

from notifications.exceptions import MisconfiguredDeliveryError, PermanentDeliveryError, TemporaryDeliveryError
from notifications.gateways import amazon, ses, slots, sns
from notifications.gateways.email import _smtp_error
from notifications.gateways.sms_message import Sms
from notifications.models import Message
from notifications.services.delivery import attempt, quota
from notifications.states import Channel
from notifications.tests.delivery.dispatching import FakeGateway, dispatch, mail

TEXT = Sms(to="+4915112345678", text="Hello")


def client_error(code, reason="", operation="SendRawEmail"):
    return ClientError({"Error": {"Code": code, "Message": reason}, "ResponseMetadata": {"HTTPStatusCode": 400}}, operation)  # fmt: skip


@pytest.fixture(autouse=True)
def nothing_told(monkeypatch):
    monkeypatch.setattr(attempt, "_logged_until", {})
    monkeypatch.setattr(quota, "_known", {})
    monkeypatch.setattr(quota, "_logged_denied", set())
    monkeypatch.setattr(sns.SnsSmsGateway, "_denied_until", 0.0)


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("MessageRejected", "Email address is not verified. The following identities failed the check: no-reply@x.example"),
        ("MessageRejected", "Did not have authority to send from email no-reply@x.example"),
        ("MailFromDomainNotVerifiedException", ""),
        ("FromEmailAddressNotVerifiedException", ""),
        ("ConfigurationSetDoesNotExistException", ""),
        ("AccountSendingPausedException", ""),
        ("AccessDeniedException", "User is not authorized to perform ses:SendRawEmail"),
        ("AuthorizationError", ""),
        ("InvalidClientTokenId", ""),
        ("InvalidParameter", "Your account is in the SMS sandbox"),
    ],
)  # fmt: skip
def test_what_an_operator_has_to_correct_at_amazon_is_tried_again(code, reason):
    assert isinstance(amazon.delivery_error(client_error(code, reason)), MisconfiguredDeliveryError)


def test_what_amazon_refuses_of_a_message_itself_fails_for_good():
    assert isinstance(amazon.delivery_error(client_error("MessageRejected", "Illegal address")), PermanentDeliveryError)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (smtplib.SMTPSenderRefused(550, b"Sender unknown", "x"), MisconfiguredDeliveryError),
        (smtplib.SMTPSenderRefused(452, b"Busy", "x"), TemporaryDeliveryError),
        (smtplib.SMTPSenderRefused(552, b"Too large", "x"), PermanentDeliveryError),
        (smtplib.SMTPDataError(554, b"Message rejected: Email address is not verified."), MisconfiguredDeliveryError),
        (smtplib.SMTPDataError(554, b"Spam"), PermanentDeliveryError),
        (smtplib.SMTPAuthenticationError(535, b"No"), MisconfiguredDeliveryError),
        (smtplib.SMTPNotSupportedError("STARTTLS extension not supported by server."), MisconfiguredDeliveryError),
        (smtplib.SMTPNotSupportedError("SMTPUTF8 not supported by server"), PermanentDeliveryError),
    ],
)
def test_what_an_operator_has_to_correct_at_a_mail_server_is_tried_again(error, expected):
    assert type(_smtp_error(error)) is expected


@pytest.mark.django_db(transaction=True)
def test_an_unverified_sender_delays_messages_and_is_logged_once(settings, monkeypatch):
    settings.CELERY_BROKER_URL = "memory://"
    monkeypatch.setattr("notifications.tasks.dispatch.apply_async", lambda *args, **kwargs: None)
    mail("ann"), mail("bob")

    def refuse(number, content):
        raise amazon.delivery_error(
            client_error("MessageRejected", "Email address is not verified. no-reply@x.example")
        )

    with capture_logs() as logs:
        dispatch(FakeGateway(refuse))
    for message in Message.objects.all():
        assert (message.status, message.due_at > timezone.now()) == ("queued", True)
        assert message.last_error.startswith(
            "Amazon refused the account or the settings: MessageRejected Email address is"
        )
    assert [line["event"] for line in logs if line["log_level"] == "error"] == ["delivery_misconfigured"]
    Message.objects.update(due_at=timezone.now())
    dispatch(FakeGateway())
    assert set(Message.objects.values_list("status", flat=True)) == {"sent"}
    assert outbox.outbox == []


@pytest.mark.django_db(transaction=True)
def test_a_message_under_a_key_that_the_worker_lacks_waits_for_it(settings, monkeypatch):
    settings.CELERY_BROKER_URL = "memory://"
    monkeypatch.setattr("notifications.tasks.dispatch.apply_async", lambda *args, **kwargs: None)
    known = settings.ENCRYPTION_KEYS
    mail("ann")
    settings.ENCRYPTION_KEYS = ["another-key-0123456789-0123456789"]
    with capture_logs() as logs:
        dispatch(FakeGateway())
    message = Message.objects.get()
    assert (message.status, message.last_error) == ("queued", "None of ENCRYPTION_KEYS decrypts its content.")
    assert [line["event"] for line in logs if line["log_level"] == "error"] == ["delivery_misconfigured"]
    settings.ENCRYPTION_KEYS = known
    Message.objects.update(due_at=timezone.now())
    dispatch(FakeGateway())
    assert Message.objects.get().status == "sent"


class Sns:
    def __init__(self, error):
        self.error, self.requested, self.sent = error, 0, []

    def check_if_phone_number_is_opted_out(self, **kwargs):
        self.requested += 1
        raise self.error

    def publish(self, **kwargs):
        self.sent.append(kwargs)
        return {"MessageId": "sns-1"}


def test_texts_are_sent_without_the_right_to_look_up_opt_outs(monkeypatch):
    client = Sns(client_error("AuthorizationError", "not authorized", "CheckIfPhoneNumberIsOptedOut"))
    monkeypatch.setattr(amazon, "client", lambda service: client)
    with capture_logs() as logs:
        for _ in range(3):
            assert sns.SnsSmsGateway().send(TEXT) == "sns-1"
    assert (len(client.sent), client.requested) == (3, 1)
    assert [line["event"] for line in logs] == ["sns_opt_outs_unknown"]


def test_a_look_up_of_opt_outs_that_hangs_never_counts_as_perhaps_sent(monkeypatch):
    client = Sns(ReadTimeoutError(endpoint_url="http://x"))
    monkeypatch.setattr(amazon, "client", lambda service: client)
    with pytest.raises(TemporaryDeliveryError) as raised:
        sns.SnsSmsGateway().send(TEXT)
    assert type(raised.value) is TemporaryDeliveryError
    assert client.sent == []


@pytest.mark.parametrize(("service", "sending"), [("ses", "SendRawEmail"), ("sesv2", "SendEmail"), ("sns", "Publish")])
def test_only_the_sending_call_acquires_a_slot(service, sending):
    events = amazon._client.__wrapped__(service, "eu-west-1", "http://127.0.0.1:9").meta.events
    with slots.SlotSemaphore(1).slot() as acquired:
        events.emit(f"before-send.{service}.CheckIfPhoneNumberIsOptedOut")
        assert not acquired._is_acquired
        events.emit(f"before-send.{service}.{sending}")
        assert acquired._is_acquired


def ask_again():
    """As if what SES said had grown old."""
    quota._known = {account: (rate, 0.0) for account, (rate, _) in quota._known.items()}


def test_ses_without_quota_permission_gets_a_default_rate(settings, monkeypatch):
    settings.EMAIL_URL, settings.EMAIL_MAX_PER_SECOND = "amazonses://", None
    requested = []

    class Client:
        def get_send_quota(self):
            requested.append(1)
            raise client_error("AccessDenied", "not authorized", "GetSendQuota")

    monkeypatch.setattr(amazon, "client", lambda service: Client())
    with capture_logs() as logs:
        for _ in range(3):
            assert quota.Quota().rate(Channel.EMAIL) == quota.UNKNOWN_PER_SECOND
            ask_again()
    assert len(requested) == 3
    assert [line["event"] for line in logs] == ["ses_quota_unknown"]


def test_an_ses_that_is_away_keeps_the_rate_that_it_had(settings, monkeypatch):
    settings.EMAIL_URL, settings.EMAIL_MAX_PER_SECOND = "amazonses://", None
    answers = iter([50.0, TemporaryDeliveryError("away")])

    def answer():
        found = next(answers)
        if isinstance(found, Exception):
            raise found
        return found

    monkeypatch.setattr(ses, "max_per_second", answer)
    assert quota.Quota().rate(Channel.EMAIL) == 50
    ask_again()
    assert quota.Quota().rate(Channel.EMAIL) == 50

"""Why messages failed, in plain words."""

from smtplib import SMTPAuthenticationError, SMTPRecipientsRefused, SMTPResponseException

import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError, NoCredentialsError, ReadTimeoutError

from notifications.gateways import amazon, email
from notifications.models import Message
from notifications.services.delivery.sweep import UNCERTAIN
from notifications.services.operations.failures import FAILURES, explain
from notifications.states import FINISHED, Status

pytestmark = pytest.mark.once


def client_error(code, message="", status=400):
    answer = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return str(amazon.delivery_error(ClientError(answer, "Publish")))


def smtp(error):
    return str(email._smtp_error(error))


@pytest.mark.parametrize(
    ("reason", "code"),
    [
        (client_error("InvalidParameter", "Invalid parameter: PhoneNumber"), "recipient"),
        (client_error("MessageRejected", "Too much"), "refused"),
        (client_error("AuthorizationError"), "settings"),
        (str(amazon.delivery_error(NoCredentialsError())), "settings"),
        (client_error("Throttling", status=429), "unreachable"),
        (str(amazon.delivery_error(ConnectTimeoutError(endpoint_url="x"))), "unreachable"),
        (f"{amazon.delivery_error(ReadTimeoutError(endpoint_url='x'))} It may have been sent.", "uncertain"),
        (UNCERTAIN[Status.FAILED], "uncertain"),
        (smtp(SMTPRecipientsRefused({"a@example.com": (550, b"no")})), "recipient"),
        (smtp(SMTPAuthenticationError(535, b"no")), "settings"),
        (smtp(SMTPResponseException(451, b"later")), "unreachable"),
        (smtp(SMTPResponseException(554, b"no")), "refused"),
        ("An attachment is not in the storage; see ATTACHMENTS_URL.", "attachment"),
        ("None of ENCRYPTION_KEYS decrypts its content.", "settings"),
        ("Internal error: ValueError.", "bug"),
        ("The receiver answered 410.", "receiver"),
        ("", "refused"),
    ],
)
def test_each_reason_for_a_failure_has_its_explanation(reason, code):
    found = explain(Message(status=Status.FAILED, last_error=reason))
    assert found.code == code


def test_every_status_of_a_message_that_did_not_arrive_is_explained():
    arrived = {Status.SENT, Status.DELIVERED}
    explained = {status for status in FINISHED if explain(Message(status=status)) is not None}
    assert explained == set(FINISHED) - arrived
    assert explain(Message(status=Status.QUEUED)) is None
    assert explain(Message(status=Status.CANCELLED, last_error="Not sent before it expired.")).code == "expired"
    assert explain(Message(status=Status.BOUNCED, last_error="550 5.1.1 user unknown")).code == "bounced_for_good"


def test_each_explanation_says_why_and_what_to_do():
    assert len({failure.code for failure in FAILURES}) == len(FAILURES)
    assert all(str(failure.why) and str(failure.what_to_do) for failure in FAILURES)

"""Only what Amazon signed for a topic of ours is accepted."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from django.utils import timezone

from notifications.models import Receipt, Suppression
from notifications.services.feedback import sns_envelopes
from notifications.tests.sns import SUBSCRIBE, TOPIC, certificate, confirmation, notification, post, ses, signed

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("http")]


OTHER_KEY = generate_private_key(65537, 2048)


@pytest.mark.parametrize("version", ["1", "2"])
@pytest.mark.parametrize("old_form", [True, False])
def test_both_signature_versions_are_accepted(api, sent, http, version, old_form):
    answer = post(
        api, notification(ses("Delivery", "ses-1", old_form=old_form, smtpResponse="250 OK"), version=version)
    )
    assert (answer.status_code, answer.json()) == (200, {"status": "applied"})
    sent.refresh_from_db()
    assert sent.status == "delivered"
    event = sent.events.get()
    assert (event.type, event.details["answer"], event.at) == (
        "delivered",
        "250 OK",
        datetime(2026, 11, 23, 9, tzinfo=UTC),
    )
    assert post(api, notification(ses("Complaint", "ses-1"), version=version)).json() == {"status": "applied"}
    assert len(http.requests) == 1  # the certificate is remembered


def forged():
    message = ses("Bounce", "ses-1", bounceType="Permanent")
    good = notification(message)
    yield "signed by another key", notification(message, key=OTHER_KEY)
    yield "version 2 claimed for a signature of version 1", {**good, "SignatureVersion": "2"}
    yield "unknown version", {**good, "SignatureVersion": "3"}
    yield "changed message", {**good, "Message": good["Message"].replace("ses-1", "ses-2")}
    yield "changed id, to be replayed", {**good, "MessageId": "another"}
    yield "changed time, to be replayed", {**good, "Timestamp": "2026-11-23T09:00:00.001Z"}
    yield "added subject", {**notification(message, Subject=None), "Subject": "x"}
    yield "no base64", {**good, "Signature": "%%%"}
    yield "empty signature", {**good, "Signature": ""}
    yield "from the future", notification(message, Timestamp="2999-01-01T00:00:00.000Z")
    for topic in ("arn:aws:sns:eu-central-1:999999999999:mail-events", TOPIC + "x", "", "x", TOPIC.upper()):
        yield f"topic {topic}", notification(message, TopicArn=topic)
    name = "/SimpleNotificationService-0123456789abcdef0123456789abcdef.pem"
    for url in (
        "https://sns.eu-central-1.amazonaws.com.evil.example" + name, "https://evil.example" + name, "http://sns.eu-central-1.amazonaws.com" + name,
        "https://sns.eu-central-1.amazonaws.com:444" + name, "https://a@sns.eu-central-1.amazonaws.com" + name, "https://s3.eu-central-1.amazonaws.com" + name,
        "https://sns.eu-central-1.amazonaws.com@evil.example" + name, "https://sns.us-east-1.amazonaws.com" + name, "https://sns.evil.example/.amazonaws.com" + name,
        "https://sns.eu-central-1.amazonaws.com/evil.pem", "https://sns.eu-central-1.amazonaws.com" + name + "?x=1", "https://sns.eu-central-1.amazonaws.com/x/.." + name,
        "file:///etc/passwd", "", "https://127.0.0.1" + name, "https://sns.eu-central-1.amazonaws.com" + name + "\n",
    ):  # fmt: skip
        yield f"certificate {url!r}", {**good, "SigningCertURL": url}


@pytest.mark.parametrize("body", [pytest.param(body, id=name) for name, body in forged()])
def test_report_without_amazons_signature_is_refused(api, sent, body):
    answer = post(api, body)
    assert (answer.status_code, answer.json()["code"]) == (403, "invalid_signature"), answer.json()
    sent.refresh_from_db()
    assert (sent.status, Receipt.objects.count(), Suppression.objects.count()) == ("sent", 0, 0)


def test_unknown_sender_causes_no_requests(api, http):
    post(api, notification({}, TopicArn="arn:aws:sns:eu-central-1:999999999999:x"))
    post(api, {**notification({}), "SigningCertURL": "https://evil.example/x.pem"})
    assert http.requests == []


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{}", b"[]", b"null", b"7", b'"x"', b"not json", b"\xff", json.dumps({"Type": "Notification"}).encode(), json.dumps({"Type": "Other", "MessageId": "x"}).encode(),
        json.dumps({**notification({}), "MessageId": 7}).encode(), json.dumps({**notification({}), "MessageId": "x" * 101}).encode(),
        json.dumps({**notification({}), "Timestamp": "yesterday"}).encode(), json.dumps({**notification({}), "Timestamp": "2026-13-45T99:99:99Z"}).encode(),
        json.dumps({**notification({}), "Timestamp": "2026-11-23T09:00:00"}).encode(), json.dumps({**notification({}), "Signature": None}).encode(),
    ],
)  # fmt: skip
def test_malformed_sns_message_is_400(api, body):
    assert post(api, body).status_code == 400


def test_report_older_than_a_day_is_ignored(api, sent):
    old = (timezone.now() - timedelta(hours=25)).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    assert post(api, notification(ses("Bounce", "ses-1", bounceType="Permanent"), Timestamp=old)).json() == {
        "status": "ignored"
    }
    assert Suppression.objects.count() == 0


def test_only_configured_topics_are_confirmed(api, http):
    assert post(api, confirmation()).json() == {"status": "applied"}
    assert http.requests[-1] == SUBSCRIBE
    http.requests.clear()
    assert post(api, confirmation(TopicArn="arn:aws:sns:eu-central-1:999999999999:x")).status_code == 403
    for url in (
        "https://evil.example/?Action=ConfirmSubscription&Token=x",
        "https://sns.us-east-1.amazonaws.com/?Action=ConfirmSubscription&Token=x",
        "https://sns.eu-central-1.amazonaws.com/?Action=DeleteTopic&x=1",
    ):
        assert post(api, confirmation(SubscribeURL=url)).status_code == 403
    assert http.requests == []


def test_without_configured_topics_no_report_is_accepted(api, settings, http):
    settings.SES_TOPIC_ARNS = []
    assert post(api, confirmation()).status_code == 403
    assert http.requests == []


def test_unreachable_certificate_is_503_for_a_retry(api, sent, http):
    http.down = True
    answer = post(api, notification(ses("Delivery", "ses-1")))
    assert (answer.status_code, answer.json()["code"]) == (503, "service_unavailable")
    assert "Retry-After" in answer
    http.down = False
    assert post(api, notification(ses("Delivery", "ses-1"))).json() == {"status": "applied"}


@pytest.mark.parametrize("pem", [b"", b"no certificate", certificate(days=-1)])
def test_invalid_or_expired_certificate_is_refused(api, http, pem):
    http.pem = pem or b"-"
    assert post(api, notification({})).status_code == 403


def test_fetches_of_made_up_certificates_are_limited(api, http, monkeypatch):
    monkeypatch.setattr("foodfleet.core.cache.rate_limits.time", lambda: 1.8e9)  # no new minute begins meanwhile
    http.pem = b"no certificate"
    for number in range(40):
        post(api, {**notification({}), "SigningCertURL": made_up(number)})
    assert len(http.requests) == sns_envelopes.FETCHES_PER_SENDER
    for number in range(40):
        post(api, {**notification({}), "SigningCertURL": made_up(number)}, REMOTE_ADDR=f"192.0.2.{number}")
    assert len(http.requests) == sns_envelopes.FETCHES_PER_SENDER + 40


def test_certificate_limit_of_one_sender_affects_no_other(api, sent, http):
    for number in range(40):
        post(api, {**notification({}), "SigningCertURL": made_up(number)})
    answer = post(api, notification(ses("Delivery", "ses-1")), REMOTE_ADDR="192.0.2.1")
    assert answer.json() == {"status": "applied"}


def made_up(number):
    return f"https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-{number:032x}.pem"


def test_end_of_a_subscription_is_logged(api, http):
    body = signed({**confirmation(), "Type": "UnsubscribeConfirmation"})
    assert post(api, body).json() == {"status": "ignored"}

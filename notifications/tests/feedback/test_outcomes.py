"""What Amazon's reports change: the status of a message, and suppressions."""

import json
from datetime import timedelta

import pytest
from django.utils import timezone

from notifications.models import Message, MessageEvent, Receipt, Suppression
from notifications.services.feedback import outcomes
from notifications.states import Channel, Status
from notifications.tests.sns import (
    notification,
    post,
    ses,
)  # fmt: skip

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("http")]


@pytest.mark.parametrize("message", ["", "not json", "[]", "7", "{}", '{"eventType": "Bounce"}', '{"eventType": "Bounce", "mail": {}, "bounce": {}}',
    '{"eventType": "Bounce", "mail": 5, "bounce": []}', '{"eventType": "Delivery", "mail": {"messageId": ""}, "delivery": {}}', "[" * 100_000,
    json.dumps(ses("Send", "ses-1")), '{"eventType": ["Bounce"]}'])  # fmt: skip
def test_report_of_an_unused_type_is_ignored(api, message):
    answer = post(api, notification(message))
    assert (answer.status_code, answer.json()) == (200, {"status": "ignored"})


def test_repeated_report_is_applied_once(api, sent):
    body = notification(ses("Bounce", "ses-1", bounceType="Permanent", bounceSubType="General"))
    states = [post(api, body).json()["status"] for _ in range(3)]
    states.append(
        post(api, notification(ses("Bounce", "ses-1", old_form=True, bounceType="Permanent"), version="2")).json()[
            "status"
        ]
    )
    assert states == ["applied", "ignored", "ignored", "ignored"]
    assert MessageEvent.objects.count() == 1
    assert Suppression.objects.count() == 1


@pytest.mark.parametrize(
    ("kind", "part", "status", "event", "suppressed"),
    [
        ("Bounce", {"bounceType": "Permanent", "bounceSubType": "NoEmail"}, "bounced", "bounced", "bounce"),
        ("Bounce", {"bounceType": "Transient", "bounceSubType": "MailboxFull"}, "bounced", "bounced", None),
        ("Bounce", {"bounceType": "Undetermined"}, "bounced", "bounced", None),
        ("Complaint", {"complaintFeedbackType": "abuse"}, "complained", "complained", "complaint"),
        ("Delivery", {}, "delivered", "delivered", None),
        ("Reject", {"reason": "Bad content"}, "failed", "rejected", None),
        ("Rendering Failure", {"errorMessage": "x"}, "failed", "rejected", None),
        ("DeliveryDelay", {"delayType": "MailboxFull"}, "sent", "delayed", None),
    ],
)
def test_report_sets_the_status_and_suppresses_recipients(api, sent, kind, part, status, event, suppressed):
    post(api, notification(ses(kind, "ses-1", recipients=["Ann@Example.com"], **part)))
    sent.refresh_from_db()
    assert (sent.status, [e.type for e in sent.events.all()]) == (status, [event])
    assert [(row.address, row.reason) for row in Suppression.objects.all()] == (
        [("ann@example.com", suppressed)] if suppressed else []
    )


@pytest.mark.parametrize(
    ("kind", "reason", "status", "suppressed"),
    [
        ("Transient", "General", "5.1.1", ["ann@example.com"]),
        ("Undetermined", "Undetermined", "5.2.1", ["ann@example.com"]),
        ("Transient", "General", "4.4.7", []),
        ("Transient", "General", "15.1.1", []),
        ("Transient", "ContentRejected", "5.6.0", []),
        ("Transient", "MessageTooLarge", "5.3.4", []),
        ("Permanent", "General", "4.4.7", ["ann@example.com", "bob@example.com"]),
    ],
)
def test_recipient_with_permanent_status_is_suppressed(api, sent, kind, reason, status, suppressed):
    report = ses("Bounce", "ses-1", bounceType=kind, bounceSubType=reason)
    report["bounce"]["bouncedRecipients"] = [
        {"emailAddress": "ann@example.com", "status": status},
        {"emailAddress": "bob@example.com", "status": "4.2.2"},
    ]
    post(api, notification(report))
    assert sorted(Suppression.objects.values_list("address", flat=True)) == suppressed


def test_permanent_status_overrides_a_delivery(api, sent):
    post(api, notification(ses("Delivery", "ses-1")))
    report = ses("Bounce", "ses-1", bounceType="Transient", bounceSubType="General")
    report["bounce"]["bouncedRecipients"][0]["status"] = "5.1.1"
    post(api, notification(report))
    sent.refresh_from_db()
    assert sent.status == "bounced"


def test_automatic_reply_does_not_override_a_delivery(api, sent):
    post(api, notification(ses("Delivery", "ses-1")))
    post(api, notification(ses("Bounce", "ses-1", bounceType="Transient", bounceSubType="General")))
    sent.refresh_from_db()
    assert (sent.status, sent.events.count()) == ("delivered", 2)


def test_report_before_the_commit_is_retried(api):
    body = notification(ses("Delivery", "ses-2"))
    assert post(api, body).json() == {"status": "waiting"}
    assert outcomes.apply_waiting() == 0
    message = Message.objects.create(
        channel=Channel.EMAIL, to=["ann@example.com"], status=Status.SENT, provider_message_id="ses-2"
    )
    assert outcomes.apply_waiting() == 1
    assert outcomes.apply_waiting() == 0
    message.refresh_from_db()
    assert message.status == "delivered"


def test_report_resolves_a_message_of_unknown_outcome(api):
    """A sender died between Amazon's answer and our commit: the tag with our own id finds the message."""
    message = Message.objects.create(
        channel=Channel.EMAIL, to=["ann@example.com"], status=Status.FAILED, is_uncertain=True, payload="x"
    )
    report = ses("Delivery", "ses-9")
    report["mail"]["tags"] = {"message_id": [str(message.pk)], "ses:source-ip": ["192.0.2.1"]}
    assert post(api, notification(report)).json() == {"status": "waiting"}
    assert outcomes.apply_waiting(timezone.now() + timedelta(minutes=16)) == 1
    message.refresh_from_db()
    assert (message.status, message.provider_message_id, message.payload) == ("delivered", "ses-9", "")


def test_report_of_an_unknown_message_still_suppresses(api):
    post(api, notification(ses("Bounce", "foreign", bounceType="Permanent")))
    assert outcomes.apply_waiting(timezone.now() + timedelta(minutes=16)) == 0
    assert Receipt.objects.get().state == "ignored"
    assert Suppression.objects.count() == 1

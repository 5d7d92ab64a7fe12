"""What is stored of a report, and the resulting status of its message."""

import json
from datetime import timedelta

import pytest
from django.utils import timezone

from foodfleet.core import crypto
from notifications.models import Message, MessageEvent, Receipt, Suppression
from notifications.services.feedback import outcomes
from notifications.services.operations import retention
from notifications.states import Channel, Status
from notifications.tests.sns import notification, post, ses

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("http")]
HARD = {"bounceType": "Permanent"}
SOFT = {"bounceType": "Transient", "bounceSubType": "General"}


def report(api, kind, provider_id="ses-1", recipients=("ann@example.com",), **part):
    return post(api, notification(ses(kind, provider_id, recipients, **part))).json()["status"]


def bounce_of(text):
    """A permanent bounce with this diagnostic."""
    body = ses("Bounce", "ses-1", **HARD)
    body["bounce"]["bouncedRecipients"][0]["diagnosticCode"] = text
    return body


@pytest.fixture
def shown(api, sent, user, allow):
    """What the API shows of the mail."""
    allow(user, "notifications:read")

    def ask():
        api.force_authenticate(user)
        answer = api.get(f"/api/v1/notifications/{sent.pk}/")
        assert answer.status_code == 200
        return answer.json()

    return ask


@pytest.mark.parametrize(
    "time", ["9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00", "2999-01-01T00:00:00Z", "?"]
)
def test_impossible_time_becomes_the_time_of_arrival(api, shown, time):
    assert report(api, "Delivery", timestamp=time) == "applied"
    at = shown()["events"][-1]["at"]
    assert at.startswith(str(timezone.now().year))


def test_repeated_report_with_an_impossible_time_counts_once(api, sent):
    states = [report(api, "Delivery", timestamp="2999-01-01T00:00:00Z") for _ in range(2)]
    assert states == ["applied", "ignored"]


@pytest.mark.parametrize("odd", ["\\ud800", "\\u0000", "a literal \\\\u0000"])
@pytest.mark.parametrize("field", ["diagnosticCode", "messageId", "emailAddress"])
def test_report_with_unstorable_characters_is_recorded(api, sent, field, odd):
    text = json.dumps(bounce_of("unknown")).replace(f'"{field}": "', f'"{field}": "{odd}')
    state = post(api, notification(text)).json()["status"]
    assert state == ("waiting" if field == "messageId" else "applied")
    assert Suppression.objects.count() == 1


@pytest.mark.parametrize("scheme", ["https://", "http%3A%2F%2F", ""])
def test_links_and_codes_in_reports_are_redacted(api, shown, scheme):
    token = crypto.new_token()
    words = f"554 5.7.1 Message refused: blocked URL {scheme}fleet.example/password/reset/{token}/ or code 123456."
    assert post(api, notification(bounce_of(words))).json() == {"status": "applied"}
    for stored in (json.dumps(shown()), str(list(Receipt.objects.values())), str(list(Suppression.objects.values()))):
        assert token not in stored
        assert "123456" not in stored
    assert shown()["last_error"].count("554 5.7.1 Message refused: blocked URL") == 1


def test_not_spam_feedback_is_no_complaint(api, sent):
    assert report(api, "Complaint", complaintFeedbackType="not-spam") == "ignored"
    assert not Suppression.objects.exists()


@pytest.mark.parametrize(
    ("reported", "status"),
    [
        ([("Delivery", {}), ("Bounce", SOFT)], "delivered"),
        ([("Bounce", SOFT), ("Delivery", {})], "delivered"),
        ([("Delivery", {}), ("Bounce", HARD)], "bounced"),
        ([("Bounce", HARD), ("Delivery", {})], "bounced"),
        ([("Bounce", SOFT), ("Bounce", HARD), ("Delivery", {})], "bounced"),
        ([("Bounce", SOFT), ("Complaint", {})], "complained"),
        ([("Bounce", HARD), ("Complaint", {})], "complained"),
        ([("Complaint", {}), ("Bounce", HARD)], "complained"),
        ([("Complaint", {}), ("Delivery", {})], "complained"),
    ],
)
def test_order_of_reports_does_not_matter(api, sent, reported, status):
    for number, (kind, part) in enumerate(reported):
        assert report(api, kind, timestamp=f"2026-11-23T09:00:0{number}.000Z", **part) == "applied"
    sent.refresh_from_db()
    assert sent.status == status
    assert bool(sent.last_error) == (status == "bounced")


@pytest.mark.parametrize("kind", ["Reject", "Rendering Failure"])
def test_rejection_is_not_dated_before_the_send(api, sent, kind):
    MessageEvent.objects.create(message=sent, type="sent", at=timezone.now() - timedelta(seconds=2))
    assert report(api, kind) == "applied"
    assert [event.type for event in sent.events.all()] == ["sent", "rejected"]


def test_removed_personal_data_is_not_stored_again(api, shown, settings):
    Message.objects.update(created_at=timezone.now() - timedelta(days=settings.MESSAGES_REDUCED_AFTER_DAYS + 1))
    retention.forget()
    assert post(api, notification(bounce_of("550 <ann@example.com>: unknown"))).json() == {"status": "applied"}
    assert "ann@" not in json.dumps(shown())
    assert shown()["status"] == "bounced"


def test_deleted_account_leaves_no_address(api, make_user):
    bob = make_user("bob@example.com")
    message = Message.objects.create(
        channel=Channel.EMAIL, to=["bob@example.com"], user=bob, status=Status.SENT, provider_message_id="ses-1"
    )
    report(api, "Bounce", recipients=["bob@example.com"], **SOFT)
    api.force_authenticate(make_user("boss@example.com", is_superuser=True))
    assert api.delete(f"/api/v1/users/{bob.pk}/").status_code == 204
    report(api, "Bounce", recipients=["bob@example.com"], timestamp="2026-11-23T10:00:00.000Z", **SOFT)
    stored = [*message.events.values(), *Message.objects.values(), *Receipt.objects.values()]
    assert "bob@" not in str(stored)
    assert message.events.count() == 2


def test_many_foreign_reports_do_not_delay_ours(api, monkeypatch):
    monkeypatch.setattr(outcomes, "BATCH", 10)
    for number in range(25):
        report(api, "Delivery", provider_id=f"foreign-{number}")
    ours = Message.objects.create(
        channel=Channel.EMAIL, to=["ann@example.com"], status=Status.FAILED, is_uncertain=True, payload="x"
    )
    body = ses("Delivery", "ses-9")
    body["mail"]["tags"] = {"message_id": [str(ours.pk)]}
    post(api, notification(body))
    assert outcomes.apply_waiting(timezone.now() + timedelta(minutes=16)) == 1
    assert not Receipt.objects.waiting().exists()
    ours.refresh_from_db()
    assert ours.status == "delivered"

"""Messages that staff or programs request over the API."""

import base64
import json
from datetime import timedelta

import pytest
from django.utils import timezone

from notifications.models import Message, SmsTemplate
from notifications.services.compose import writing
from notifications.tests.api.test_api import EMAIL, MAIL, SMS, TEMPLATES, TEXT

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff(api, user, allow):
    """The API's client as somebody who may send, and change templates."""
    allow(user, "notifications:send", "notifications:read", "sms_templates:update")
    api.force_authenticate(user)
    return api


def test_email_is_queued_with_all_its_fields(staff, user):
    file = {"filename": "menu.pdf", "content_type": "application/pdf", "content": base64.b64encode(b"%PDF").decode()}
    later = (timezone.now() + timedelta(hours=2)).replace(microsecond=0)
    answer = staff.post(
        EMAIL, {**MAIL, "cc": ["b@example.com"], "bcc": ["c@example.com"], "reply_to": ["d@example.com"], "html": "<p>Good food</p>",
                "attachments": [file], "send_at": later.isoformat()},
    )  # fmt: skip
    assert answer.status_code == 202, answer.json()
    assert answer.json().keys() == {"id", "status"}
    assert answer.json()["status"] == "queued"
    message = Message.objects.get(pk=answer.json()["id"])
    assert (message.to, message.cc, message.bcc, message.sender, message.due_at) == (
        ["ann@example.com"],
        ["b@example.com"],
        ["c@example.com"],
        user,
        later,
    )
    assert [(a.filename, a.content_type, a.size) for a in message.attachments.all()] == [
        ("menu.pdf", "application/pdf", 4)
    ]


@pytest.mark.parametrize(("days", "status"), [(365, 202), (366, 422)])
def test_a_message_is_sent_at_most_a_year_ahead(staff, days, status):
    send_at = (timezone.now() + timedelta(days=days)).isoformat()
    answers = [staff.post(url, {**body, "send_at": send_at}) for url, body in ((EMAIL, MAIL), (SMS, TEXT))]
    assert [answer.status_code for answer in answers] == [status, status]
    refused = [answer.json()["details"]["send_at"][0]["code"] for answer in answers if status == 422]
    assert set(refused) <= {"too_far_ahead"}


def test_templated_email_is_rendered_with_its_context(staff):
    answer = staff.post(
        EMAIL,
        {
            "to": ["x@example.com"],
            "template": "announcement",
            "context": {"heading": "Lunch moves", "text": "Come at noon.", "first_name": "Ann"},
            "send_at": "2026-12-31T00:00:00Z",
        },
    )
    assert answer.status_code == 202, answer.json()
    message = Message.objects.get(pk=answer.json()["id"])
    assert message.template == "announcement"
    assert "Come at noon." in writing.decrypt_content(message.payload)["text"]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({}, 422, "validation_error"), ({**MAIL, "to": []}, 422, "validation_error"), ({**MAIL, "to": "ann@example.com"}, 422, "validation_error"),
        ({**MAIL, "to": ["no address"]}, 422, "validation_error"), ({**MAIL, "to": ["a@example.com\r\nBcc: b@example.com"]}, 422, "validation_error"),
        ({**MAIL, "subject": "a\r\nBcc: b@example.com"}, 422, "validation_error"), ({**MAIL, "subject": " "}, 422, "validation_error"),
        ({"to": ["a@example.com"], "text": "x"}, 422, "validation_error"), ({"to": ["a@example.com"], "subject": "x"}, 422, "validation_error"),
        ({**MAIL, "template": "announcement"}, 422, "validation_error"), ({"to": ["a@example.com"], "template": "announcement"}, 422, "validation_error"),
        ({"to": ["a@example.com"], "template": "nothing"}, 404, "email_template_not_found"), ({"to": ["a@example.com"], "template": "../../base"}, 404, "email_template_not_found"),
        ({**MAIL, "attachments": [{"filename": "x", "content_type": "text/plain", "content": "%%%"}]}, 422, "validation_error"),
        ({**MAIL, "attachments": [{"filename": "x"}]}, 422, "validation_error"), ({**MAIL, "attachments": "x"}, 422, "validation_error"),
        ({**MAIL, "attachments": [{"filename": "a\r\nb", "content_type": "text/plain", "content": ""}]}, 422, "validation_error"),
        ({**MAIL, "send_at": "tomorrow"}, 422, "validation_error"), ({**MAIL, "send_at": "2999-01-01T00:00:00Z"}, 422, "validation_error"),
        ({**MAIL, "cc": [f"u{n}@example.com" for n in range(60)]}, 422, "validation_error"), ({**MAIL, "kind": "security"}, 422, "validation_error"),
        ({"to": ["a@example.com"], "template": "announcement", "context": {"heading": {"a": 1}}}, 422, "validation_error"),
    ],
)  # fmt: skip
def test_invalid_email_request_queues_nothing(staff, body, status, code):
    answer = staff.post(EMAIL, body)
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.json()
    assert Message.objects.count() == 0


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({}, 422, "validation_error"), ({"to": "12345", "text": "x"}, 422, "validation_error"), ({"to": "+49 151 1", "text": "x"}, 422, "validation_error"),
        ({"to": "+4915112345678"}, 422, "validation_error"), ({**TEXT, "text": " "}, 422, "validation_error"), ({**TEXT, "template": "2fa_code"}, 422, "validation_error"),
        ({"to": "+4915112345678", "template": "nothing"}, 404, "sms_template_not_found"), ({"to": "+4915112345678", "template": "2fa_code"}, 422, "validation_error"),
        ({"to": "+4915112345678", "template": "2fa_code", "variables": {"code": " "}}, 422, "validation_error"),
        ({"to": ["+4915112345678"], "text": "x"}, 422, "validation_error"), ({**TEXT, "text": "x" * 1601}, 422, "validation_error"), ({**TEXT, "send_at": 5}, 422, "validation_error"),
    ],
)  # fmt: skip
def test_invalid_sms_request_queues_nothing(staff, body, status, code):
    answer = staff.post(SMS, body)
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.json()
    assert Message.objects.count() == 0


def test_templated_sms_is_queued(staff):
    SmsTemplate.objects.create(name="order_ready", content="Pick up with {{code}}")
    answer = staff.post(SMS, {"to": "+4915112345678", "template": "order_ready", "variables": {"code": "987654"}})
    assert answer.status_code == 202, answer.json()
    shown = staff.get(f"/api/v1/notifications/{answer.json()['id']}/").json()
    assert shown["template"] == "order_ready"
    assert "987654" not in json.dumps(shown)


@pytest.mark.parametrize(
    ("path", "body", "other"), [(EMAIL, MAIL, {**MAIL, "text": "Other"}), (SMS, TEXT, {**TEXT, "text": "Other"})]
)
def test_repeated_key_returns_the_message_or_409_for_another_body(staff, path, body, other):
    first = staff.post(path, body, HTTP_IDEMPOTENCY_KEY="order-7")
    again = staff.post(path, body, HTTP_IDEMPOTENCY_KEY="order-7")
    assert (first.status_code, again.status_code) == (202, 202)
    assert first.json()["id"] == again.json()["id"]
    assert Message.objects.count() == 1
    conflict = staff.post(path, other, HTTP_IDEMPOTENCY_KEY="order-7")
    assert (conflict.status_code, conflict.json()["code"]) == (409, "idempotency_conflict")
    assert staff.post(path, body).json()["id"] != first.json()["id"]


@pytest.mark.parametrize("key", ["x" * 256, "two words", "", "\u00e9"])  # '': what servers make of other letters
def test_invalid_idempotency_key_is_refused(staff, key):
    refused = staff.post(EMAIL, MAIL, HTTP_IDEMPOTENCY_KEY=key)
    assert (refused.status_code, list(refused.json()["details"])) == (422, ["Idempotency-Key"])
    assert not Message.objects.exists()


def test_edited_template_does_not_change_the_request_digest(staff):
    key = SmsTemplate.objects.create(name="order_ready", content="Pick up with {{code}}").pk
    body = {"to": "+4915112345678", "template": "order_ready", "variables": {"code": "1"}}
    first = staff.post(SMS, body, HTTP_IDEMPOTENCY_KEY="k").json()
    assert staff.patch(f"{TEMPLATES}{key}/", {"content": "New: {{code}}"}).status_code == 200
    assert staff.post(SMS, body, HTTP_IDEMPOTENCY_KEY="k").json()["id"] == first["id"]


def test_idempotency_keys_are_separate_for_each_sender(staff, make_user, allow, api):
    first = staff.post(EMAIL, MAIL, HTTP_IDEMPOTENCY_KEY="k").json()
    other = make_user("bob@example.com")
    allow(other, "notifications:send")
    api.force_authenticate(other)
    assert api.post(EMAIL, {**MAIL, "text": "x"}, HTTP_IDEMPOTENCY_KEY="k").json()["id"] != first["id"]


@pytest.mark.parametrize(
    "more", [{"to": ["ann@example.com", "bob@example.com"]}, {"cc": ["bob@example.com"]}, {"bcc": ["bob@example.com"]}]
)
def test_marketing_email_has_one_recipient(staff, more):
    answer = staff.post(EMAIL, {**MAIL, **more, "kind": "marketing"})
    assert answer.status_code == 422
    assert list(answer.json()["details"]) == ["to"]
    assert Message.objects.count() == 0

"""Staff can send no template of the product's account and security messages."""

import pytest
from django.core.management import call_command

from notifications.exceptions import TemplateNotSendableException
from notifications.models import Message, SmsTemplate
from notifications.services.compose import outbox
from notifications.services.compose.email import send_templated_email
from notifications.services.compose.sms import send_templated_sms
from notifications.services.templates import specs
from notifications.states import Channel, Kind, Priority

pytestmark = [pytest.mark.django_db, pytest.mark.once]

EMAIL = "/api/v1/notifications/email/"
SMS = "/api/v1/notifications/sms/"
RESERVED = [declared for declared in specs.SPECS if declared.name != "announcement"]
sends = pytest.mark.django_db(transaction=True)  # each channel is sent in a thread of its own
reserved = pytest.mark.parametrize("declared", RESERVED, ids=lambda declared: declared.name)


@pytest.fixture
def staff(api, user, allow):
    """The API's client as somebody who may send, and nothing else."""
    allow(user, "notifications:send")
    api.force_authenticate(user)
    return api


def evil(declared):
    return {
        name: "https://evil.example/" if name.endswith("link") else value for name, value in declared.examples.items()
    }


@pytest.mark.parametrize("kind", ["account", "marketing"])
@reserved
def test_api_refuses_templates_of_security_messages(staff, declared, kind):
    values = evil(declared)
    path, body = (
        (SMS, {"to": "+4915112345678", "template": declared.name, "variables": values})
        if declared.channel == Channel.SMS
        else (EMAIL, {"to": ["victim@example.com"], "template": declared.name, "context": values})
    )
    refused = staff.post(path, {**body, "kind": kind})
    assert (refused.status_code, refused.json()["code"]) == (422, "validation_error")
    assert [entry["code"] for entry in refused.json()["details"]["template"]] == ["template_not_sendable"]
    assert not Message.objects.exists()


@reserved
def test_service_refuses_templates_of_security_messages(declared):
    send, arguments = {
        Channel.SMS: (send_templated_sms, {"to": "+4915112345678", "variables": evil(declared)}),
        Channel.EMAIL: (send_templated_email, {"to": ["victim@example.com"], "context": evil(declared)}),
    }[declared.channel]
    with pytest.raises(TemplateNotSendableException):
        send(template=declared.name, **arguments)
    assert not Message.objects.exists()


@pytest.mark.parametrize(
    "body", [{"subject": "x", "text": "y"}, {"template": "announcement", "context": {"heading": "x", "text": "y"}}]
)
@pytest.mark.parametrize(("kind", "priority"), [("account", Priority.TRANSACTIONAL), ("marketing", Priority.BULK)])
def test_messages_of_staff_never_have_the_security_kind(staff, body, kind, priority):
    assert staff.post(EMAIL, {"to": ["ann@example.com"], "kind": kind, **body}).status_code == 202
    message = Message.objects.get()
    assert (message.kind, message.priority) == (kind, priority)


def test_sms_template_of_staff_is_an_account_message(staff):
    SmsTemplate.objects.create(name="password_reset", content="Menu: {{link}}")
    body = {"to": "+4915112345678", "template": "password_reset", "variables": {"link": "https://x.example/"}}
    assert staff.post(SMS, body).status_code == 202
    assert (Message.objects.get().kind, Message.objects.get().priority) == (Kind.ACCOUNT, Priority.TRANSACTIONAL)


SPELLINGS = ["ann@example.com", "Ann <Ann@Example.com>", "ANN@EXAMPLE.COM"]


@sends
@pytest.mark.parametrize(
    "fields", [{"to": SPELLINGS}, *({"to": SPELLINGS[:1], name: SPELLINGS[1:]} for name in ("cc", "bcc"))]
)
def test_repeated_mailbox_is_one_recipient(staff, fields, mailoutbox):
    assert staff.post(EMAIL, {"subject": "x", "text": "y", **fields}).status_code == 202
    message = Message.objects.get()
    assert (message.to, message.cc, message.bcc, message.recipients) == (["ann@example.com"], [], [], 1)
    call_command("deliver_due")
    assert [mail.recipients() for mail in mailoutbox] == [["ann@example.com"]]


def test_repeated_idn_mailbox_is_one_recipient(staff):
    to = ["bob@b\u00fccher.example", "Bob <bob@xn--bcher-kva.example>", "carol@example.com"]
    staff.post(EMAIL, {"to": to, "subject": "x", "text": "y"})
    assert Message.objects.get().recipients == 2


@sends
def test_marketing_to_a_repeated_mailbox_has_an_unsubscribe_link(staff, mailoutbox):
    body = {"to": ["ann@example.com", "ANN@example.com"], "subject": "x", "text": "y", "kind": "marketing"}
    assert staff.post(EMAIL, body).status_code == 202
    call_command("deliver_due")
    assert "List-Unsubscribe" in mailoutbox[0].extra_headers


@sends
def test_every_email_has_the_auto_submitted_header(staff, user, mailoutbox):
    staff.post(EMAIL, {"to": ["ann@example.com"], "subject": "x", "text": "y"})
    outbox.queue_email(template="welcome", user=user, variables={"link": "https://x.example/"})
    call_command("deliver_due")
    assert [mail.message()["Auto-Submitted"] for mail in mailoutbox] == ["auto-generated"] * 2


@sends
def test_announcement_keeps_line_breaks_and_escapes_html(staff, mailoutbox):
    context = {"heading": "Lunch <b>moves</b>", "text": "One\nTwo <script>", "first_name": "Ann"}
    staff.post(EMAIL, {"to": ["ann@example.com"], "template": "announcement", "context": context})
    call_command("deliver_due")
    [received] = mailoutbox
    assert "One\nTwo <script>" in received.body
    [(html, _type)] = received.alternatives
    assert "One\nTwo &lt;script&gt;" in html
    assert "white-space" in html
    assert "<script>" not in html

"""The admin of messages, templates and suppressions."""

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from foodfleet.core.exceptions import ValidationException
from notifications.models import EmailOverride, Message, MessageEvent, SmsTemplate, Suppression
from notifications.services.audience import suppression
from notifications.services.compose import writing
from notifications.states import Channel, Status

pytestmark = pytest.mark.django_db


@pytest.fixture
def reader(client, make_user, allow, settings):
    """A browser of staff who may only look."""
    settings.ADMIN_REQUIRE_2FA = False
    user = make_user("reader@example.com", is_staff=True)
    allow(user, "notifications:read", "sms_templates:read", "email_templates:read", "suppressions:read")
    client.force_login(user)
    return client


def failed(**fields):
    content = {"text": "Your verification code is: 135790", "subject": "x", "html": ""}
    return Message.objects.create(
        channel=Channel.EMAIL,
        to=["ann@example.com"],
        subject="Hello",
        template="welcome",
        status=Status.FAILED,
        payload=writing.encrypt_content(content),
        **fields,
    )


def page(client, name, *args, **query):
    return client.get(reverse(f"admin:notifications_{name}", args=args), query)


def test_message_page_shows_the_timeline_and_no_secrets(boss):
    message = failed(last_error="550 unknown")
    MessageEvent.objects.create(message=message, type="failed", details={"error": "550 <b>unknown</b>"})
    assert "ann@example.com" in page(boss, "message_changelist", q="ann@example.com").content.decode()
    assert "ann@example.com" not in page(boss, "message_changelist", q="bob").content.decode()
    shown = page(boss, "message_change", message.pk).content.decode()
    assert "550 &lt;b&gt;unknown&lt;/b&gt;" in shown
    assert "135790" not in shown
    assert message.payload not in shown


def test_staff_with_send_permission_retry_failed_messages(boss):
    message = failed()
    answer = boss.post(
        reverse("admin:notifications_message_changelist"),
        {"action": "retry", "_selected_action": [str(message.pk)], "confirmed": "1"},
        follow=True,
    )
    assert "1 message will be sent again." in answer.content.decode()
    message.refresh_from_db()
    assert message.status in {"queued", "sending", "sent"}
    assert "retried" in [event.type for event in message.events.all()]


def test_read_only_staff_cannot_change_anything(reader):
    message, template = failed(), SmsTemplate.objects.get(name="2fa_code")
    reader.post(
        reverse("admin:notifications_message_changelist"),
        {"action": "retry", "_selected_action": [str(message.pk)], "confirmed": "1"},
    )
    message.refresh_from_db()
    assert message.status == "failed"
    assert page(reader, "smstemplate_change", template.pk).status_code == 200
    assert (
        reader.post(reverse("admin:notifications_smstemplate_change", args=[template.pk]), {"content": "x"}).status_code
        == 403
    )
    assert (
        reader.post(
            reverse("admin:notifications_smstemplate_versions", args=[template.pk]), {"number": "1"}
        ).status_code
        == 403
    )
    sent = reader.post(
        reverse("admin:notifications_smstemplate_try", args=[template.pk]),
        {"value_code": "1", "_send": "Send"},
    )
    assert sent.status_code == 403
    assert Message.objects.count() == 1


@pytest.mark.parametrize(
    "name", ["message_changelist", "smstemplate_changelist", "emailoverride_changelist", "suppression_changelist"]
)
def test_staff_without_permission_see_no_messages(client, make_user, name):
    client.force_login(make_user("new@example.com", is_staff=True))
    assert page(client, name).status_code in {302, 403}


def save_template(client, template, **fields):
    data = {
        "name": template.name,
        "content": template.content,
        "translations": "{}",
        "description": "",
        "is_active": "on",
        "versions-TOTAL_FORMS": "0",
        "versions-INITIAL_FORMS": "0",
        **fields,
    }
    return client.post(reverse("admin:notifications_smstemplate_change", args=[template.pk]), data)


def test_sms_template_is_edited_previewed_and_restored(boss):
    template = SmsTemplate.objects.get(name="2fa_code")
    assert save_template(boss, template, content="Code {{code}}").status_code == 302
    refused = save_template(boss, template, content="Code {{ code|safe }}")
    assert "Use braces only for placeholders" in refused.content.decode()
    tried = boss.post(reverse("admin:notifications_smstemplate_try", args=[template.pk]), {"value_code": "м" * 70})
    assert "UCS-2 · 2 segments" in tried.content.decode()
    assert "Code 123456" in page(boss, "smstemplate_try", template.pk).content.decode()
    versions = reverse("admin:notifications_smstemplate_versions", args=[template.pk])
    assert "Your verification code is: {{code}}" in boss.get(versions).content.decode()
    assert "Version restored." in boss.post(versions, {"number": "1"}, follow=True).content.decode()
    template.refresh_from_db()
    assert (template.content, template.version) == ("Your verification code is: {{code}}", 3)
    for wrong in ("9", "x", "", "9" * 50):
        boss.post(versions, {"number": wrong})
    assert SmsTemplate.objects.get(pk=template.pk).version == 3


@pytest.mark.parametrize(
    "example", [{"examples_code": "a\0b"}, {"examples_co\0de": "x"}, {"examples_code": "x" * 1001}]
)
def test_an_example_that_cannot_be_stored_is_a_field_error(boss, example):
    refused = save_template(boss, SmsTemplate.objects.get(name="2fa_code"), **example)
    assert "examples" in refused.context["adminform"].form.errors


def test_test_sms_goes_to_the_user_with_example_values(boss):
    path = reverse("admin:notifications_smstemplate_try", args=[SmsTemplate.objects.get(name="2fa_code").pk])
    staff = User.objects.get(email="boss@example.com")
    given = {"value_code": "Call +1 900 555 0199", "language": "en", "phone": "+15550100000", "_send": "Send"}
    boss.post(path, given)
    assert not Message.objects.exists(), "without a confirmed number of one's own there is none to send it to"
    User.objects.filter(pk=staff.pk).update(phone="+4915112345678", phone_verified_at=timezone.now())
    sent = boss.post(path, given)
    assert sent.status_code == 302  # so that loading again sends nothing
    shown = boss.get(sent["Location"]).content.decode()
    assert "Test message queued." in shown
    message = Message.objects.get()
    assert (message.to, message.kind, message.template) == (["+4915112345678"], "account", "")
    assert writing.decrypt_content(message.payload)["text"] == "Your verification code is: 123456"
    boss.post(path, {"value_code": "1", "language": "en"})
    assert Message.objects.count() == 1, "a preview sends nothing"


def test_admin_cannot_delete_a_product_template(boss):
    template = SmsTemplate.objects.get(name="2fa_code")
    assert (
        boss.post(reverse("admin:notifications_smstemplate_delete", args=[template.pk]), {"post": "yes"}).status_code
        == 403
    )
    boss.post(
        reverse("admin:notifications_smstemplate_changelist"),
        {"action": "delete_selected", "_selected_action": [template.pk], "post": "yes"},
    )
    assert SmsTemplate.objects.filter(name="2fa_code").exists()


def test_override_is_saved_validated_and_previewed(boss):
    add = reverse("admin:notifications_emailoverride_add")
    data = {
        "template": "verify_email",
        "language": "de",
        "subject": "Bitte bestätigen",
        "html": '<p><a href="{{ link }}">Los</a></p>',
        "text": "Los: {{ link }}",
        "is_active": "on",
    }
    assert boss.get(add).status_code == 200
    assert boss.post(add, data).status_code == 302
    assert "already" in boss.post(add, data).content.decode()
    attack = boss.post(
        add, {**data, "language": "fr", "html": data["html"] + "{% include 'base.html' %}"}
    ).content.decode()
    assert "This is not allowed in a template" in attack
    override = EmailOverride.objects.get()
    tried = page(boss, "emailoverride_try", override.pk).content.decode()
    assert "Los: https://foodfleet.example/email/verify/example/" in tried
    frame = page(boss, "emailoverride_frame", override.pk)
    assert 'href="https://foodfleet.example/email/verify/example/"' in frame.content.decode()
    assert {"script-src 'none'", "sandbox"} <= set(frame["Content-Security-Policy"].split("; "))
    boss.post(reverse("admin:notifications_emailoverride_try", args=[override.pk]))
    assert Message.objects.get().to == ["boss@example.com"]
    assert page(boss, "emailoverride_versions", override.pk).status_code == 200


def test_admin_adds_and_lifts_a_suppression(boss):
    add = reverse("admin:notifications_suppression_add")
    data = {"channel": "email", "address": " Ann@Example.com", "detail": "asked by phone"}
    assert boss.post(add, data).status_code == 302
    assert "already" in boss.post(add, data).content.decode()
    row = Suppression.objects.get()
    assert (row.address, row.reason) == ("ann@example.com", "manual")
    lift = {"action": "lift", "_selected_action": [row.pk], "from_page": "1"}
    confirmation = boss.post(reverse("admin:notifications_suppression_changelist"), lift).content.decode()
    assert "1 address gets messages again." in confirmation
    assert suppression.is_suppressed("email", "ann@example.com"), "until it is confirmed"
    assert "Send to this address again" in page(boss, "suppression_change", row.pk).content.decode()
    boss.post(reverse("admin:notifications_suppression_changelist"), {**lift, "confirmed": "1"})
    assert "Lifted on" in page(boss, "suppression_change", row.pk).content.decode()
    assert not suppression.is_suppressed("email", "ann@example.com")
    assert page(boss, "suppression_changelist").status_code == 200


@pytest.mark.parametrize("reason", ["opt_out", "complaint"])
def test_lifting_a_requested_suppression_needs_a_reason(boss, reason):
    row = Suppression.objects.create(channel="sms", address="+4915112345678", reason=reason)
    by_hand = Suppression.objects.create(channel="email", address="ann@example.com", reason="manual")
    path = reverse("admin:notifications_suppression_changelist")
    data = {"action": "lift", "_selected_action": [row.pk, by_hand.pk]}
    confirmation = boss.post(path, data).content.decode()
    assert "1 of these recipients asked to get no more messages" in confirmation
    assert "+4915112345678" in confirmation
    for no_reason in ("", "  ", "x" * 501):
        assert "errorlist" in boss.post(path, {**data, "confirmed": "1", "because": no_reason}).content.decode()
    assert suppression.is_suppressed("sms", "+4915112345678")
    assert suppression.is_suppressed("email", "ann@example.com"), "all of them wait for the answer"
    assert boss.post(path, {**data, "confirmed": "1", "because": "Asked for it by phone"}).status_code == 302
    assert not Suppression.objects.live().exists()
    row.refresh_from_db()
    assert row.lifted_because.startswith("Asked for it by phone")
    assert row.lifted_by.email == "boss@example.com"
    history = page(boss, "suppression_history", row.pk).content.decode()
    assert "Messages go to this address again. Asked for it by phone" in history
    assert "Asked for it by phone" in page(boss, "suppression_change", row.pk).content.decode()


def test_service_lifts_no_opt_out_without_a_reason(user):
    row = Suppression.objects.create(channel="sms", address="+4915112345678", reason="opt_out")
    with pytest.raises(ValidationException) as refused:
        suppression.lift(suppression_ids=[row.pk], by=None)
    assert list(refused.value.details) == ["because"]


@pytest.mark.parametrize(
    ("channel", "address"),
    [("sms", "+49 151 12345678"), ("sms", "015112345678"), ("email", "nonsense"), ("email", "Ann <ann@example.com>")],
)
def test_invalid_address_cannot_be_suppressed(boss, channel, address):
    add = reverse("admin:notifications_suppression_add")
    answer = boss.post(add, {"channel": channel, "address": address, "detail": "asked by phone"})
    assert answer.status_code == 200
    assert list(answer.context["adminform"].form.errors) == ["address"]
    assert "asked by phone" in answer.content.decode()
    assert Suppression.objects.count() == 0


def addresses(message):
    """Return the address of the message's page, and that of the list."""
    return reverse("admin:notifications_message_change", args=[message.pk]), reverse(
        "admin:notifications_message_changelist"
    )


@pytest.mark.parametrize(
    ("action", "before", "after"),
    [("retry", Status.FAILED, Status.QUEUED), ("cancel", Status.QUEUED, Status.CANCELLED)],
)
def test_one_message_is_retried_or_cancelled_from_its_page_once_confirmed(boss, action, before, after):
    message = failed()
    Message.objects.update(status=before)
    own, listed = addresses(message)
    assert f'name="action" value="{action}"' in boss.get(own).text
    data = {"action": action, "_selected_action": [message.pk], "from_page": "1"}
    confirmation = boss.post(listed, data)
    assert confirmation.context["sentence"].startswith(f"1 {before} message will be")
    message.refresh_from_db()
    assert message.status == before
    answer = boss.post(listed, {**data, "confirmed": "1"})
    assert answer.url == own
    message.refresh_from_db()
    assert message.status == after
    assert f'name="action" value="{action}"' not in boss.get(own).text


def test_read_only_staff_cannot_retry_or_cancel(reader):
    message = failed()
    own, listed = addresses(message)
    assert 'name="action"' not in reader.get(own).text
    reader.post(listed, {"action": "retry", "_selected_action": [message.pk], "confirmed": "1"})
    message.refresh_from_db()
    assert message.status == Status.FAILED

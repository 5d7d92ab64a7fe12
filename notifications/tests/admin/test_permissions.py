"""Permissions and histories in the admin."""

import pytest
from django.contrib.admin.models import LogEntry
from django.urls import reverse
from django.utils import timezone

from foodfleet.core.database import batches
from notifications.models import EmailOverride, Message, MessageEvent, Preference, SmsTemplate, Suppression
from notifications.services.compose import writing
from notifications.services.templates import overrides
from notifications.states import Channel, Kind, Status

pytestmark = pytest.mark.django_db
CONTENT = {"html": '<a href="{{ link }}">x</a>', "text": "{{ link }}"}


@pytest.fixture
def reader(client, make_user, allow, settings):
    """A browser of staff who may look at messages and templates, and at nobody's account."""
    settings.ADMIN_REQUIRE_2FA = False
    user = make_user("reader@example.com", is_staff=True)
    allow(user, "notifications:read", "sms_templates:read", "email_templates:read", "suppressions:read")
    client.force_login(user)
    return client


def page(client, name, *args, **query):
    return client.get(reverse(f"admin:notifications_{name}", args=args), query)


def act(client, name, action, *rows):
    path = reverse(f"admin:notifications_{name}_changelist")
    data = {"action": action, "_selected_action": [row.pk for row in rows], "confirmed": "1"}
    return client.post(path, data, follow=True).content.decode()


def rows_about(user):
    yield "message", Message.objects.create(channel=Channel.EMAIL, to=[user.email], user=user, sender=user)
    yield "preference", Preference.objects.create(user=user, kind=Kind.MARKETING, is_wanted=False)
    lifted = {"lifted_by": user, "lifted_at": timezone.now()}
    yield "suppression", Suppression.objects.create(channel="email", address="x@example.com", **lifted)


def test_user_is_plain_text_without_permission_to_view_users(reader, user):
    for name, row in rows_about(user):
        shown = page(reader, f"{name}_change", row.pk).content.decode()
        assert user.email in shown
        assert "/admin/accounts/user/" not in shown


def test_user_is_a_link_with_permission_to_view_users(boss, user):
    link = reverse("admin:accounts_user_change", args=[user.pk])
    for name, row in rows_about(user):
        assert link in page(boss, f"{name}_change", row.pk).content.decode()


def test_test_message_needs_the_send_permission(reader):
    template = SmsTemplate.objects.get(name="2fa_code")
    override = overrides.save(override=EmailOverride(template="welcome", subject="A", **CONTENT), by=None)
    for name, row in (("smstemplate", template), ("emailoverride", override)):
        path = reverse(f"admin:notifications_{name}_try", args=[row.pk])
        shown = reader.get(path).content.decode()
        assert "the permission notifications:send" in shown
        assert 'name="_send"' not in shown
        assert "Send a test" not in shown
    assert reader.post(path, {"_send": "Send"}).status_code == 403


def test_bulk_actions_are_recorded_in_each_history(boss, monkeypatch, django_assert_max_num_queries):
    monkeypatch.setattr(batches, "BATCH", 10)
    payload = writing.encrypt_content({"text": "Hello", "subject": "x", "html": ""})
    Message.objects.bulk_create(Message(channel="sms", to=["+1"], payload=payload, status="failed") for _ in range(25))
    Suppression.objects.bulk_create(Suppression(channel="email", address=f"u{n}@example.com") for n in range(25))
    with django_assert_max_num_queries(94):
        act(boss, "message", "cancel", Message.objects.create(channel="email", to=["a@example.com"], payload=payload))
        act(boss, "suppression", "lift", *Suppression.objects.all())
    act(boss, "message", "retry", *Message.objects.filter(status=Status.FAILED))
    said = list(LogEntry.objects.values_list("change_message", flat=True))
    assert said.count("Cancelled by hand") == 1
    assert said.count("Messages go to this address again.") == 25
    assert said.count("Queued again by hand") == 25
    shown = page(boss, "suppression_history", Suppression.objects.all()[0].pk).content.decode()
    assert "Messages go to this address again." in shown


def test_restored_version_is_recorded_in_the_history(boss):
    template = SmsTemplate.objects.get(name="2fa_code")
    boss.post(reverse("admin:notifications_smstemplate_versions", args=[template.pk]), {"number": "1"})
    assert "Restored version 1." in page(boss, "smstemplate_history", template.pk).content.decode()


def test_timeline_names_the_acting_staff(boss, user, django_assert_max_num_queries):
    message = Message.objects.create(channel=Channel.EMAIL, to=["ann@example.com", "bob@example.com"])
    for by in (user.pk, 999_999, None):
        MessageEvent.objects.create(message=message, type="retried", details={"by": by})
    page(boss, "message_change", message.pk)  # what the process keeps, such as roles, is read once
    page(boss, "message_change", message.pk)  # roles and content types are cached by the process from here on
    with django_assert_max_num_queries(15):  # two of them for the buttons that retry and cancel
        shown = page(boss, "message_change", message.pk).content.decode()
    assert f"by: <bdi>{user.email}</bdi>" in shown
    assert "by: <bdi>999999</bdi>" in shown
    assert '<bdi dir="ltr">ann@example.com</bdi>, <bdi dir="ltr">bob@example.com</bdi>' in shown


def test_only_uncertain_messages_show_what_that_means(boss):
    message = Message.objects.create(channel=Channel.EMAIL, to=["ann@example.com"])
    assert "it may have been sent" not in page(boss, "message_change", message.pk).content.decode()
    Message.objects.update(is_uncertain=True)
    assert "it may have been sent" in page(boss, "message_change", message.pk).content.decode()


def test_search_uses_the_first_ten_words(boss):
    Message.objects.create(channel=Channel.EMAIL, to=["ann@example.com"], subject="a b c d e f g h i j")
    found = page(boss, "message_changelist", q="a b c d e f g h i j " + "zz " * 200)
    assert found.context["cl"].result_count == 1
    assert page(boss, "message_changelist", q="a b c zz").context["cl"].result_count == 0


def test_preference_search_ignores_the_spelling_of_addresses(boss, user):
    Preference.objects.create(user=user, kind=Kind.MARKETING, is_wanted=False)
    assert page(boss, "preference_changelist", q=" ANN@Example").context["cl"].result_count == 1

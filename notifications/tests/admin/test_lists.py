"""Long lists and bulk actions in the admin."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from foodfleet.core.admin import lists
from foodfleet.core.database import batches
from notifications.models import Message, SmsTemplate, SmsTemplateVersion, Suppression
from notifications.receivers import dispatch
from notifications.services.audience import suppression
from notifications.services.operations import messages as operations
from notifications.states import Channel, Status
from notifications.tests.admin.rows import failed

pytestmark = pytest.mark.django_db
LIST = "admin:notifications_message_changelist"


def test_bulk_retry_works_in_batches_and_notifies_workers_once(
    monkeypatch, django_assert_max_num_queries, django_capture_on_commit_callbacks
):
    monkeypatch.setattr(batches, "BATCH", 10)
    failed(25)
    failed(expires_at=timezone.now() - timedelta(seconds=1))
    failed(payload="")
    notice = []
    with django_assert_max_num_queries(25), django_capture_on_commit_callbacks() as callbacks:
        tell = lambda rows: notice.extend(map(str, rows))  # noqa: E731
        assert operations.retry_all(messages=Message.objects.all(), by=None, on_batch=tell) == 25
    assert len(notice) == 25
    assert Message.objects.filter(status=Status.QUEUED).count() == 25
    assert all(message.events.count() == 1 for message in Message.objects.filter(status=Status.QUEUED))
    assert set(callbacks) == {dispatch.deliver_pending}
    assert operations.retry_all(messages=Message.objects.all(), by=None) == 0


def test_messages_are_filtered_by_retriable_and_template(boss):
    failed(subject="Kept", template="welcome")
    failed(subject="Emptied", payload="")
    failed(subject="Too late", expires_at=timezone.now() - timedelta(seconds=1))
    again = boss.get(reverse(LIST), {"retriable": "yes"}).content.decode()
    assert "Kept" in again
    assert "Emptied" not in again
    assert "Too late" not in again
    assert boss.get(reverse(LIST), {"template": "welcome"}).context["cl"].result_count == 1
    assert boss.get(reverse(LIST), {"template": "2fa_code"}).context["cl"].result_count == 0


def test_counting_of_long_lists_is_capped(boss, monkeypatch):
    monkeypatch.setattr(lists, "COUNTED", 60)
    failed(70)
    shown = boss.get(reverse(LIST), {"status__exact": "failed"})
    assert "60+" in shown.content.decode()
    assert boss.get(reverse(LIST), {"p": 2}).status_code == 200


@pytest.mark.usefixtures("may_do_all")
def test_suppressions_are_lifted_in_batches(monkeypatch, user):
    monkeypatch.setattr(batches, "BATCH", 10)
    Suppression.objects.bulk_create(
        Suppression(channel=Channel.EMAIL, address=f"u{n}@example.com", reason="manual") for n in range(25)
    )
    keys = list(Suppression.objects.values_list("pk", flat=True))
    assert suppression.lift(suppression_ids=keys, by=user) == 25
    assert suppression.lift(suppression_ids=keys, by=user) == 0


def test_template_with_hundreds_of_versions_can_be_saved(boss):
    template = SmsTemplate.objects.get(name="2fa_code")
    SmsTemplateVersion.objects.bulk_create(
        SmsTemplateVersion(template=template, number=number, data={}) for number in range(2, 600)
    )
    SmsTemplate.objects.filter(pk=template.pk).update(version=599)
    path = reverse("admin:notifications_smstemplate_change", args=[template.pk])
    shown = boss.get(path)
    assert "599 ·" in shown.content.decode()
    assert shown.content.decode().count("<input") < 50
    data = {"name": "2fa_code", "content": "Now {{code}}", "translations": "{}", "is_active": "on"}
    assert boss.post(path, data).status_code == 302

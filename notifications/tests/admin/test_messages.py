"""Messages in the admin: their statuses, what to do, actions on all that match, and codes that nobody sees."""

import csv
import io
from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.urls import reverse
from django.utils import timezone

from accounts.models import SecurityEvent
from notifications.models import Message, MessageEvent
from notifications.services.audience import suppression
from notifications.services.compose.writing import encrypt_content
from notifications.services.operations import statistics
from notifications.states import Channel, Status, SuppressionReason
from notifications.tests.admin.rows import failed

pytestmark = pytest.mark.django_db
LIST = reverse("admin:notifications_message_changelist")
CODE = "135790"


def test_the_statuses_that_need_attention_are_counted_up_to_a_limit(boss, monkeypatch):
    monkeypatch.setattr(statistics, "COUNTED", 3)
    failed(5)
    failed(2, status=Status.BOUNCED)
    failed(2, status=Status.QUEUED, channel=Channel.WEBHOOK)
    shown = boss.get(LIST, {"status__exact": "failed"}).context["states"]
    numbers = {str(one["title"]): one.get("number") for one in shown}
    assert numbers == {
        "All": None, "Can be sent again": "3+", "Queued": "", "Failed": "3+", "Bounced": "2", "Complained": "",
        "Suppressed": "", "Cancelled": "", "Sent": "", "Delivered": "",
    }  # fmt: skip
    assert [str(one["title"]) for one in shown if one["is_current"]] == ["Failed"]
    for one in shown:
        assert boss.get(f"{LIST}?{one['query']}").status_code == 200


def test_webhooks_do_not_hide_messages_from_the_counts(boss, monkeypatch):
    monkeypatch.setattr(statistics, "COUNTED", 3)
    failed(5, channel=Channel.WEBHOOK)
    failed(2)
    numbers = {str(one["title"]): one.get("number") for one in boss.get(LIST).context["states"]}
    assert (numbers["Can be sent again"], numbers["Failed"]) == ("2", "2")


def test_failed_and_returned_messages_are_listed_together(boss):
    lost = [failed(status=status)[0].pk for status in (Status.FAILED, Status.BOUNCED, Status.COMPLAINED)]
    failed(status=Status.DELIVERED)
    listed = boss.get(LIST, {"channel__exact": "email", "lost": "yes"}).context["cl"].result_list
    assert {message.pk for message in listed} == set(lost)


def test_the_page_of_a_message_says_why_it_failed_and_what_to_do(boss, user):
    message = failed(last_error="The mail server refused every recipient (550).", sender=user)[0]
    page = boss.get(reverse("admin:notifications_message_change", args=[message.pk])).content.decode()
    assert "Failed: The provider does not accept the recipient’s address or number." in page
    assert "Check the address or number with the person" in page
    assert f"by: <bdi>{user}</bdi>" in page  # the timeline begins with who queued it
    Message.objects.update(status=Status.DELIVERED, last_error="")
    page = boss.get(reverse("admin:notifications_message_change", args=[message.pk])).content.decode()
    assert "What to do:" not in page


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"expires_at": timezone.now() - timedelta(hours=1)}, "It is of no more use and cannot be sent again."),
        ({"payload": ""}, "Its content was removed, so it cannot be sent again."),
    ],
)
def test_a_message_that_cannot_be_sent_again_says_why(boss, fields, sentence):
    message = failed(last_error="The mail server could not be reached.")[0]
    Message.objects.update(**fields)
    page = boss.get(reverse("admin:notifications_message_change", args=[message.pk])).content.decode()
    assert sentence in page
    assert 'value="retry"' not in page


def test_a_message_leads_to_the_others_and_to_the_suppressed_address(boss):
    message = failed(status=Status.SUPPRESSED, to=["ann@example.com"])[0]
    failed(to=["ann@example.com"])
    suppression.suppress(channel="email", address="ann@example.com", reason=SuppressionReason.BOUNCE, detail="550")
    page = boss.get(reverse("admin:notifications_message_change", args=[message.pk]))
    others, suppressed = (url for _title, url in page.context["links"])
    assert boss.get(others).context["cl"].result_count == 2
    assert boss.get(suppressed).context["cl"].result_count == 1
    Message.objects.filter(pk=message.pk).update(status=Status.DELIVERED)
    page = boss.get(reverse("admin:notifications_message_change", args=[message.pk]))
    assert [url for _title, url in page.context["links"]] == [others]


@pytest.mark.parametrize(("action", "status"), [("retry", Status.FAILED), ("cancel", Status.QUEUED)])
def test_an_action_on_all_that_match_a_filter_changes_no_other(boss, action, status):
    chosen = failed(3, template="welcome", status=status)
    others = failed(2, template="invitation", status=status)
    path = f"{LIST}?template=welcome"
    data = {"action": action, "_selected_action": [str(chosen[0].pk)], "select_across": "1"}
    confirmation = boss.post(path, data)
    assert Message.objects.filter(status=status).count() == 5, "until it is confirmed"
    assert " 3" in f" {confirmation.context['sentence']}"
    form = confirmation.content.decode()
    assert 'name="select_across" value="1"' in form
    assert 'action="/admin/notifications/message/"' not in form  # the address with the filter
    boss.post(path, {**data, "confirmed": "1"})
    assert set(Message.objects.filter(status=status)) == set(others)
    assert LogEntry.objects.count() == 3


def test_nobody_sees_the_code_of_a_message(boss, user):
    message = failed(
        channel=Channel.SMS, to=["+4915112345678"], template="2fa_code", user=user,
        payload=encrypt_content({"text": f"Your verification code is: {CODE}", "sender_id": "", "type": "", "max_price": ""}),
    )[0]  # fmt: skip
    MessageEvent.objects.create(message=message, type="failed", details={"error": "refused"})
    retry = {"action": "retry", "_selected_action": [str(message.pk)], "from_page": "1"}
    boss.post(LIST, {**retry, "confirmed": "1"})
    one = [reverse(f"admin:notifications_message_{page}", args=[message.pk]) for page in ("change", "history")]
    found = boss.get(LIST, {"q": CODE})
    assert found.context["cl"].result_count == 0
    data = {"action": "cancel", "_selected_action": [str(message.pk)]}
    pages = [boss.get(path) for path in (LIST, *one, "/admin/", f"/admin/accounts/user/{user.pk}/change/")]
    pages += [boss.post(LIST, retry), boss.post(LIST, data), boss.get("/admin/search/", {"s": CODE})]
    for page in pages:
        shown = page.content.decode().replace(f'value="{CODE}"', "")
        assert CODE not in shown
        assert message.payload not in shown


def test_filtered_messages_are_exported_with_causes_and_without_content(boss):
    failed(
        last_error="The mail server could not be reached.", subject="=HYPERLINK(1)", to=["a@b.example", "c@d.example"]
    )
    failed(status=Status.DELIVERED)
    answer = boss.get(reverse("admin:notifications_message_export"), {"lost": "yes", "q": "a@b.example"})
    (row,) = csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode()))
    assert (row["to"], row["status"], row["cause"]) == ("a@b.example c@d.example", "failed", "unreachable")
    assert row["subject"] == "'=HYPERLINK(1)"  # a spreadsheet does not run it
    assert "Hello" not in str(row)
    assert SecurityEvent.objects.get(kind="messages_exported").details == {"filters": ["lost", "q"]}
    wrong = boss.get(reverse("admin:notifications_message_export"), {"created_at__gte": "nonsense"})
    assert (wrong.status_code, wrong["Location"]) == (302, LIST)


def test_messages_that_can_be_sent_again_are_counted(boss):
    assert boss.get(LIST).context["states"][1]["number"] == ""
    failed(2)
    failed(1, expires_at=timezone.now())
    assert boss.get(LIST).context["states"][1]["number"] == "2"


def test_the_page_of_a_person_lists_failed_messages_first(boss, user):
    old = failed(user=user, to=[user.email], subject="Old", created_at=timezone.now() - timedelta(days=1))[0]
    for number in range(9):
        Message.objects.create(channel="email", user=user, to=[user.email], subject=f"New {number}", status="sent")
    page = boss.get(reverse("admin:accounts_user_change", args=[user.pk]))
    section = next(one for one in page.context["sections"] if one.anchor == "messages")
    shown = [row[1] for row in section.rows]
    assert len(shown) == 8
    assert ">Old<" in shown[0]
    assert ">New 8<" in shown[1]
    assert page.content.decode().count('value="retry"') == 1
    press = {"action": "retry", "_selected_action": [str(old.pk)], "from_page": "1", "confirmed": "1"}
    assert boss.post(reverse("admin:notifications_message_changelist"), press).status_code == 302
    old.refresh_from_db()
    assert old.status == "queued"


def test_readers_of_messages_get_no_button_to_send_them_again(client, make_user, allow, settings, user):
    settings.ADMIN_REQUIRE_2FA = False
    reader = make_user("reader@example.com", is_staff=True)
    allow(reader, "users:read", "notifications:read")
    client.force_login(reader)
    failed(user=user, to=[user.email], subject="Old")
    page = client.get(reverse("admin:accounts_user_change", args=[user.pk])).content.decode()
    assert "Old" in page
    assert 'value="retry"' not in page

"""The home page of the admin tells a manager on duty what happens, each card to who may know it."""

from datetime import timedelta

import pytest
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import ApiKey, MFAReset, SecurityEvent, ServiceAccount, Session
from accounts.services import statistics
from foodfleet.core.models import HourlyCount
from notifications.models import Message
from notifications.services.operations import statistics as message_statistics
from rbac.models import Role
from rbac.services import assignments, scopes

pytestmark = pytest.mark.django_db

CAUSES = "Why messages did not arrive"
OF_MESSAGES = {"Queue", "Messages in 24 hours", CAUSES, "Failures by template", "Messages by status"}
CARDS = {
    "Administrator": {"Waiting for you", "People", "Sign-ins", "Services"} | OF_MESSAGES,
    "Support": {"Waiting for you", "People", "Sign-ins", "Services"} | OF_MESSAGES,
    "Auditor": {"People", "Sign-ins", "Services"} | OF_MESSAGES,
    "Fleet manager": {"Waiting for you", "People", "Services"} | OF_MESSAGES,
    "Driver": {"Services"},
}


@pytest.fixture
def staff(client, make_user, settings):
    """A browser of staff with a default role."""
    settings.ADMIN_REQUIRE_2FA = False

    def sign_in(role):
        person = make_user(f"{role.split()[0]}@example.com".lower(), is_staff=True)
        assignments.grant(actor=None, user=person, role=Role.objects.get(name=role))
        client.force_login(person)
        return client

    return sign_in


def card_of(page, title):
    return next(card for card in page.context["cards"] if str(card.title) == title)


def figures(page, title):
    return {str(figure.label): figure for figure in card_of(page, title).figures}


@pytest.mark.parametrize("role", CARDS)
def test_each_role_sees_the_cards_of_its_permissions(staff, role):
    page = staff(role).get("/admin/")
    assert {str(card.title) for card in page.context["cards"]} == CARDS[role]


COSTS = {
    "/admin/": 10,
    "/admin/figures/": 10,
    "/admin/accounts/user/": 8,
    "/admin/accounts/user/?role=Driver&q=ann": 8,
    "/admin/accounts/securityevent/?q=ann": 8,
    "/admin/accounts/session/": 8,
    "/admin/notifications/message/?q=491701234567": 8,
    "/admin/notifications/suppression/": 8,
    "/admin/rbac/role/": 8,
    "/admin/rbac/roleassignment/": 8,
    "/admin/rbac/scope/": 8,
}


@pytest.mark.django_db(transaction=True)  # what a transaction changed is not cached within it
@pytest.mark.parametrize("is_superuser", [False, True])
def test_the_home_page_costs_at_most_ten_queries_and_a_list_eight(staff, user, is_superuser):
    browser = staff("Administrator")
    sms = {"channel": "sms", "to": ["+491701234567"], "status": "failed", "payload": "x", "user": user}
    Message.objects.bulk_create(Message(**sms) for _number in range(50))
    assignments.grant(actor=None, user=user, role=Role.objects.get(name="Driver"), scope="")
    type(user).objects.filter(is_staff=True).update(is_superuser=is_superuser)
    too_many = []
    for path, most in COSTS.items():
        assert browser.get(path).status_code == 200
        with CaptureQueriesContext(connection) as queries:
            browser.get(path)
        counted = [query["sql"] for query in queries if not query["sql"].startswith(("SAVEPOINT", "RELEASE"))]
        if len(counted) > most:
            too_many.append("\n".join([path, *(one[:230] for one in counted)]))
    assert not too_many, "\n".join(too_many)


@pytest.mark.django_db(transaction=True)
def test_a_scope_and_a_service_account_cost_at_most_20_queries(staff, make_user):
    fleet = scopes.create(actor=None, kind="fleet", key="1", name="Harbour")
    program = ServiceAccount.objects.create(user=make_user("till@example.com", is_service_account=True))
    for number in range(5):
        person = make_user(f"p{number}@example.com")
        scopes.add_member(actor=None, scope_id=fleet.pk, user=person)
        assignments.grant(actor=None, user=person, role=Role.objects.get(name="Driver"), scope="fleet:1")
        ApiKey.objects.create(user=program.user, name="Till", prefix=f"{number:012}", digest=str(number))
    browser = staff("Administrator")
    for path in (f"/admin/rbac/scope/{fleet.pk}/change/", f"/admin/accounts/serviceaccount/{program.pk}/change/"):
        browser.get(path)
        with CaptureQueriesContext(connection) as queries:
            assert browser.get(path).status_code == 200
        assert len(queries) <= 20, path


def test_sign_ins_are_drawn_and_written_as_a_table(staff, user):
    for kind, ago in (("signed_in", 0), ("signed_in", 5), ("sign_in_failed", 0)):
        SecurityEvent.objects.create(kind=kind, user=user, created_at=timezone.now() - timedelta(hours=ago))
    statistics.count_events()
    page = staff("Auditor").get("/admin/")
    assert figures(page, "Sign-ins")["Failures in 24 hours"].value == 1
    html = page.content.decode()
    assert "Sign-ins: 2" in html
    assert html.count("Show as a table") == 4  # two charts of sign-ins, two of messages
    assert "style=" not in html


def test_a_message_whose_status_changed_is_counted_under_the_new_one(staff):
    Message.objects.create(channel="email", to=["a@example.com"], status="queued")
    message_statistics.count_messages()
    Message.objects.update(status="failed")
    message_statistics.count_messages()
    counted = {("message:email:failed", 1), ("failure:refused", 1)}  # and none by template: it has none
    assert set(HourlyCount.objects.values_list("name", "count")) == counted
    page = staff("Support").get("/admin/")
    assert figures(page, "Messages in 24 hours")["E-mail: failed or returned"].value == 1


def test_counts_of_long_ago_are_removed():
    HourlyCount.objects.create(name="event:signed_in", hour=timezone.now() - timedelta(days=40), count=1)
    statistics.count_events()
    assert not HourlyCount.objects.exists()


def test_a_reset_waits_for_everybody_but_its_requester(staff, user, make_user):
    browser = staff("Support")
    other = make_user("other@example.com")
    MFAReset.objects.create(user=user, reason="lost", requested_by=other)
    assert figures(browser.get("/admin/"), "Waiting for you")["Two-factor resets to approve"].value == "1"
    MFAReset.objects.update(requested_by=browser.get("/admin/").wsgi_request.user)
    assert figures(browser.get("/admin/"), "Waiting for you")["Two-factor resets to approve"].value == "0"


def test_the_oldest_due_message_and_the_limit_of_texts_are_told(staff):
    Message.objects.create(channel="email", to=["a@example.com"], due_at=timezone.now() - timedelta(minutes=40))
    shown = figures(staff("Support").get("/admin/"), "Queue")
    assert shown["Due and not sent"].value == "1"
    assert shown["Due and not sent"].tone == "warn"
    assert str(shown["Oldest of them"].value) == "40\xa0minutes"
    assert str(shown["SMS counted against the limit"].value) == "0 of 5000"


def test_workers_are_missed_only_where_there_is_a_broker(staff, settings):
    browser = staff("Driver")
    settings.CELERY_BROKER_URL = ""
    assert str(figures(browser.get("/admin/"), "Services")["Workers"].value) == "Not used"
    settings.CELERY_BROKER_URL = "redis://127.0.0.1:1/0"
    assert figures(browser.get("/admin/"), "Services")["Workers"].tone == "warn"


def test_what_waits_is_counted_up_to_a_limit(staff, monkeypatch):
    monkeypatch.setattr(message_statistics, "COUNTED", 2)
    late = timezone.now() - timedelta(minutes=40)
    for due_at in (timezone.now(), late, timezone.now(), timezone.now() + timedelta(hours=1)):
        Message.objects.create(channel="sms", to=["+491"], due_at=due_at)
        Message.objects.create(channel="email", to=["a@example.com"], status="failed", payload="x")
    Message.objects.create(channel="webhook", due_at=late - timedelta(hours=1))
    shown = figures(staff("Support").get("/admin/"), "Queue")
    assert (shown["Due and not sent"].value, shown["Failed, can be sent again"].value) == ("2+", "2+")
    assert str(shown["Oldest of them"].value) == "40\xa0minutes"


def test_what_was_not_delivered_leads_to_all_of_it(staff):
    for status in ("failed", "bounced", "complained", "delivered"):
        Message.objects.create(channel="email", to=["a@example.com"], status=status)
    message_statistics.count_messages()
    browser = staff("Support")
    lost = figures(browser.get("/admin/"), "Messages in 24 hours")["E-mail: failed or returned"]
    assert browser.get(lost.link).context["cl"].result_count == lost.value == 3


def test_messages_that_did_not_arrive_are_grouped_by_cause(staff):
    errors = ("The mail server could not be reached.", "The mail server could not be reached (2).", "No such mailbox")
    for error in errors:
        Message.objects.create(channel="email", to=["a@example.com"], status="failed", last_error=error)
    Message.objects.create(channel="email", to=["a@example.com"], status="queued", last_error=errors[0])
    message_statistics.count_messages()
    browser = staff("Support")
    shown = figures(browser.get("/admin/"), CAUSES)
    assert {label: figure.value for label, figure in shown.items()} == {
        "Provider not reachable": 2,
        "Address or number not accepted": 1,
    }
    for figure in shown.values():
        assert browser.get(figure.link).context["cl"].result_count == figure.value


def test_templates_are_listed_by_how_many_of_their_messages_failed(staff):
    now = timezone.now()
    for template, ago, statuses in (
        ("welcome", 1, ["failed", "sent", "delivered", "queued"]),
        ("welcome", 48, ["bounced"]),
        ("invitation", 1, ["delivered", "delivered", "complained", "cancelled"]),
        ("password_reset", 1, ["delivered"]),
    ):
        for status in statuses:
            created = now - timedelta(hours=ago)
            Message.objects.create(
                channel="email", to=["a@example.com"], template=template, status=status, created_at=created
            )
    message_statistics.count_messages()
    browser = staff("Support")
    table = card_of(browser.get("/admin/"), "Failures by template").table
    shown = [(row.label, *map(str, row.values)) for row in table.rows]
    assert shown == [
        ("welcome · E-mail", "33.3 % (1 of 3)", "50.0 % (2 of 4)"),
        ("invitation · E-mail", "33.3 % (1 of 3)", "33.3 % (1 of 3)"),
    ]
    assert browser.get(table.rows[0].link).context["cl"].result_count == 2


def test_the_longest_name_of_a_template_is_counted(staff):
    name = "n" * 100
    Message.objects.create(channel="email", to=["a@example.com"], template=name, status="failed")
    message_statistics.count_messages()
    assert card_of(staff("Support").get("/admin/"), "Failures by template").table.rows[0].label == f"{name} · E-mail"


def test_messages_are_counted_by_status_channel_and_period(staff):
    for channel, status, ago in (("email", "sent", 1), ("email", "sent", 48), ("sms", "failed", 1)):
        created = timezone.now() - timedelta(hours=ago)
        Message.objects.create(channel=channel, to=["a"], status=status, created_at=created)
    message_statistics.count_messages()
    card = card_of(staff("Support").get("/admin/"), "Messages by status")
    rows = {str(row.label): list(row.values) for row in card.table.rows}
    assert list(map(str, card.table.columns))[1:] == [
        "E-mail, 24 hours",
        "SMS, 24 hours",
        "E-mail, 30 days",
        "SMS, 30 days",
    ]
    assert (rows["Sent"], rows["Failed"], rows["Queued"]) == ([1, 0, 2, 0], [0, 1, 0, 1], [0, 0, 0, 0])
    assert [(str(one.name), sum(one.values)) for one in card.charts[1].series] == [
        ("Arrived", 2), ("Failed or returned", 1),
    ]  # fmt: skip


def test_failed_messages_wait_for_who_may_send_them_again(staff):
    Message.objects.create(channel="email", to=["a@example.com"], status="failed", payload="x")
    assert figures(staff("Fleet manager").get("/admin/"), "Waiting for you")["Failed, can be sent again"].value == "1"
    support = staff("Support").get("/admin/")
    assert "Failed, can be sent again" not in figures(support, "Waiting for you")
    assert figures(support, "Queue")["Failed, can be sent again"].value == "1"


def test_the_page_that_refreshes_itself_does_not_keep_its_session_open(staff):
    browser = staff("Auditor")
    browser.get("/admin/")
    before = timezone.now() - timedelta(hours=1)
    Session.objects.update(last_used_at=before)
    assert "Sign-ins" in browser.get("/admin/figures/").content.decode()
    assert Session.objects.get().last_used_at == before
    browser.get("/admin/")
    assert Session.objects.get().last_used_at > before
    Session.objects.update(last_used_at=timezone.now() - settings.SIMPLE_JWT["REFRESH_TOKEN_LIFETIME"])
    assert browser.get("/admin/figures/").status_code == 302


def test_each_figure_leads_to_a_list_that_opens(staff):
    browser = staff("Administrator")
    cards = browser.get("/admin/").context["cards"]
    links = [figure.link for card in cards for figure in card.figures if figure.link]
    links += [row.link for card in cards if card.table for row in card.table.rows]
    assert len(links) >= 16
    assert [link for link in links if browser.get(link).status_code != 200] == []

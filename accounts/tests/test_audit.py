"""Security events record actor, kind, time, client and request; they are append-only and visible to their owner."""

import csv
import io
import json
from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone, translation
from structlog.testing import capture_logs

from accounts.models import SecurityEvent, User
from accounts.services import audit
from accounts.services.limits import lockout
from accounts.states import EventKind
from accounts.tests.scenarios import AGENT, IP, SCENARIOS, V1, WRONG
from foodfleet.core.http.clients import Client

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("what", SCENARIOS)
def test_an_event_records_actor_time_client_and_request(actions, settings, what):
    settings.ADMIN_REQUIRE_2FA = False
    began = timezone.now()
    returned = SCENARIOS[what](actions)
    actor = returned if isinstance(returned, User) else None
    events = SecurityEvent.objects.filter(kind=what.partition(",")[0], request_id=actions.request_id)
    (event,) = events
    assert (event.user, event.actor) == (actions.user, actor)
    assert (event.ip, event.user_agent) == (IP, AGENT)
    assert began <= event.created_at <= timezone.now()


@pytest.fixture
def event(user, sign_in):
    sign_in()
    return SecurityEvent.objects.get()


def copy_of(event, **changes):
    fields = {field.attname: getattr(event, field.attname) for field in SecurityEvent._meta.fields}
    return SecurityEvent(**{**fields, **changes})


ATTEMPTS = {
    "save": lambda e: e.save(),
    "save of one field": lambda e: e.save(update_fields=["kind"]),
    "save_base": lambda e: e.save_base(),
    "delete": lambda e: e.delete(),
    "update": lambda e: SecurityEvent.objects.update(kind="registered"),
    "update of some": lambda e: SecurityEvent.objects.filter(pk=e.pk).update(kind="registered"),
    "update by the base manager": lambda e: SecurityEvent._base_manager.update(kind="registered"),
    "delete of all": lambda e: SecurityEvent.objects.all().delete(),
    "delete of some": lambda e: SecurityEvent.objects.filter(pk=e.pk).delete(),
    "delete by the base manager": lambda e: SecurityEvent._base_manager.all().delete(),
    "bulk_update": lambda e: SecurityEvent.objects.bulk_update([e], ["kind"]),
    "update_or_create": lambda e: SecurityEvent.objects.update_or_create(pk=e.pk, defaults={"kind": "registered"}),
    "bulk_create over one": lambda e: SecurityEvent.objects.bulk_create(
        [copy_of(e, kind="registered")], update_conflicts=True, update_fields=["kind"], unique_fields=["id"]
    ),
    "save over one": lambda e: copy_of(e, kind="registered").save(),
    "the user's": lambda e: e.user.security_events.update(kind="registered"),
    "the user's, deleted": lambda e: e.user.security_events.all().delete(),
    "the user's, cleared": lambda e: e.user.security_events.clear(),
    "the user's, removed": lambda e: e.user.security_events.remove(e),
    "the user's, set": lambda e: e.user.security_events.set([]),
}


@pytest.mark.parametrize("how", ATTEMPTS)
def test_an_event_cannot_be_changed_or_deleted(event, how):
    event.kind = "not_me"
    with pytest.raises((PermissionDenied, IntegrityError)), transaction.atomic():
        ATTEMPTS[how](event)
    assert SecurityEvent.objects.get().kind == "signed_in"
    assert SecurityEvent.objects.get().user_id == event.user_id


def test_events_keep_their_user_after_its_row_is_deleted_by_hand(user, event):
    pk = user.pk
    user.delete()
    assert not User.objects.exists()
    assert [(one.kind, one.user_id) for one in SecurityEvent.objects.all()] == [("signed_in", pk)]


def test_the_admin_shows_events_and_changes_none(client, make_user, event, settings):
    settings.ADMIN_REQUIRE_2FA = False
    client.force_login(make_user("boss@example.com", is_superuser=True, is_staff=True))
    address = "/admin/accounts/securityevent/"
    assert client.get(address).status_code == 200
    assert client.get(f"{address}{event.pk}/change/").status_code == 200
    assert client.get(f"{address}add/").status_code == 403
    assert client.post(f"{address}{event.pk}/change/", {"kind": "registered"}).status_code == 403
    assert client.post(f"{address}{event.pk}/delete/", {"post": "yes"}).status_code == 403
    client.post(address, {"action": "delete_selected", "_selected_action": [event.pk], "post": "yes"})
    assert SecurityEvent.objects.get(pk=event.pk).kind == "signed_in"


@pytest.mark.once
@pytest.mark.parametrize(
    ("query", "index"), [("", "accounts_event_by_time"), ("?kind__exact=locked", "accounts_event_of_kind")]
)
def test_the_admin_lists_events_along_an_index_and_counts_no_whole_table(
    client, make_user, event, settings, query, index
):
    settings.ADMIN_REQUIRE_2FA = False
    client.force_login(make_user("boss@example.com", is_superuser=True, is_staff=True))
    with CaptureQueriesContext(connection) as queries:
        assert client.get(f"/admin/accounts/securityevent/{query}").status_code == 200
    of_events = [one["sql"] for one in queries if 'FROM "accounts_securityevent"' in one["sql"]]
    counts = [sql for sql in of_events if "COUNT(" in sql]
    assert counts
    assert all("LIMIT" in sql for sql in counts)
    (listed,) = (sql for sql in of_events if "ORDER BY" in sql)
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {listed}")
        plan = str(cursor.fetchall())
    assert index in plan
    assert "TEMP B-TREE" not in plan  # nothing is sorted


def test_events_are_listed_to_their_owner_alone(actions):
    actions.sign_in(password=WRONG)
    lockout.unlock(user=actions.user, actor=actions.boss, client=Client())
    actions.sign_in()
    listed = actions.ask("/users/me/events/", method="get")["results"]
    assert [one["kind"] for one in listed] == ["signed_in", "unlocked", "sign_in_failed"]
    actions.sign_in("boss@example.com")
    assert [one["kind"] for one in actions.ask("/users/me/events/", method="get")["results"]] == ["signed_in"]
    assert actions.post("/users/me/events/", method="get").status_code == 401
    for method in ("post", "put", "patch", "delete"):
        assert actions.post("/users/me/events/", method=method, signed_in=True).status_code == 405


def test_a_late_event_of_a_long_list_is_found_by_pages(actions):
    SecurityEvent.objects.bulk_create(
        SecurityEvent(kind="signed_in", user=actions.user, created_at=timezone.now() - timedelta(days=n))
        for n in range(45)
    )
    actions.sign_in()
    listed, seen = actions.ask("/users/me/events/", method="get"), []
    while True:
        seen += [one["created_at"] for one in listed["results"]]
        if listed["next"] is None:
            break
        listed = actions.client.get(listed["next"], headers=actions.as_them).json()
    assert len(seen) == 46
    assert seen == sorted(seen, reverse=True)


ALL = f"{V1}/events/"


@pytest.fixture
def auditor(actions):
    """The request headers of a superuser who is signed in."""
    actions.sign_in("boss@example.com")
    return actions.as_them


def kinds(client, auditor, **filters):
    answer = client.get(ALL, filters, headers=auditor)
    assert answer.status_code == 200, answer.content
    return [one["kind"] for one in answer.json()["results"]]


def test_holders_of_events_read_list_the_events_of_all_users(actions, auditor):
    actions.sign_in(password=WRONG)
    first, second = actions.client.get(ALL, headers=auditor).json()["results"]
    assert (first["kind"], first["user"]) == ("sign_in_failed", {"id": actions.user.pk, "email": actions.user.email})
    assert (second["kind"], second["user"]["id"]) == ("signed_in", actions.boss.pk)
    assert (first["actor"], first["ip"], first["request_id"]) == (None, IP, actions.request_id)


def test_the_list_of_all_events_needs_the_permission(actions):
    actions.sign_in()
    refused = actions.client.get(ALL, headers=actions.as_them)
    assert (refused.status_code, refused.json()["code"]) == (403, "insufficient_permissions")
    assert "events:read" in str(refused.json()["details"])
    assert actions.client.get(f"{ALL}?format=csv", headers=actions.as_them).json()["code"] == "insufficient_permissions"


def test_events_are_filtered_by_user_kind_address_and_time(actions, auditor):
    actions.sign_in(password=WRONG)
    now = timezone.now()
    SecurityEvent.objects.create(kind="locked", user=actions.user, ip="2001:db8::1", created_at=now - timedelta(days=2))
    client, day = actions.client, (now - timedelta(days=1)).isoformat()
    assert kinds(client, auditor, user=actions.user.pk) == ["sign_in_failed", "locked"]
    assert kinds(client, auditor, kind="locked") == ["locked"]
    assert kinds(client, auditor, ip="2001:DB8:0::1") == ["locked"]
    assert kinds(client, auditor, until=day) == ["locked"]
    assert kinds(client, auditor, since=day, user=actions.user.pk) == ["sign_in_failed"]
    assert kinds(client, auditor, user=2**40) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("user", "ann"), ("user", str(2**63)), ("kind", "no_such_kind"), ("ip", "kitchen"), ("ip", "1.2.3.4.5"),
        ("since", "yesterday"), ("until", "0001-01-01T00:00:00+14:00"), ("user", ""), ("kind", ""), ("ip", ""),
        ("ip", " "), ("since", ""), ("until", ""), ("page_size", "0"), ("page_size", ""), ("ordering", "kind"),
    ],
)  # fmt: skip
def test_a_wrong_filter_of_events_is_a_validation_error(actions, auditor, name, value):
    for extra in ({}, {"format": "csv"}):
        refused = actions.client.get(ALL, {name: value, **extra}, headers=auditor)
        assert (refused.status_code, refused.json()["code"]) == (422, "validation_error"), refused.content
        assert list(refused.json()["details"]) == [name]


def test_events_are_listed_by_one_query_beside_those_of_the_session(actions, auditor):
    SecurityEvent.objects.bulk_create(SecurityEvent(kind="locked", user=actions.user) for _ in range(30))
    with CaptureQueriesContext(connection) as queries:
        actions.client.get(ALL, headers=auditor)
    assert len([one for one in queries if "accounts_securityevent" in one["sql"]]) == 1


def test_events_are_exported_as_csv_in_batches_without_formulas(actions, auditor, monkeypatch):
    monkeypatch.setattr("foodfleet.core.database.keyset.BATCH_SIZE", 2)
    SecurityEvent.objects.bulk_create(
        SecurityEvent(
            kind="locked", user=actions.user, actor=actions.boss, user_agent="=1+1", details={"reason": "Ä, b"}
        )
        for _ in range(5)
    )
    answer = actions.client.get(f"{ALL}?format=csv&kind=locked", headers=auditor)
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert answer["Content-Disposition"] == 'attachment; filename="security-events.csv"'
    rows = list(csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode())))
    assert [row["kind"] for row in rows] == ["locked"] * 5
    assert (rows[0]["user"], rows[0]["actor"]) == (actions.user.email, actions.boss.email)
    assert (rows[0]["user_agent"], json.loads(rows[0]["details"])) == ("'=1+1", {"reason": "Ä, b"})


def test_the_admin_exports_the_chosen_events(client, make_user, event, settings):
    settings.ADMIN_REQUIRE_2FA = False
    client.force_login(make_user("boss@example.com", is_superuser=True, is_staff=True))
    chosen = {"action": "export", "_selected_action": [event.pk]}
    answer = client.post("/admin/accounts/securityevent/", chosen)
    rows = list(csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode())))
    assert [(row["kind"], row["user"]) for row in rows] == [("signed_in", "ann@example.com")]


def test_each_event_is_one_line_in_the_log_after_its_commit(actions):
    actions.sign_in("boss@example.com")
    with capture_logs() as lines:
        actions.ask(f"/users/{actions.user.pk}/lock/", {"reason": "Left"})
    (line,) = [line for line in lines if line["event"] == "user_locked"]
    assert (line["user_id"], line["actor_id"], line["ip"]) == (actions.user.pk, actions.boss.pk, IP)
    assert (line["details"], line["request_id"]) == ({"reason": "Left"}, actions.request_id)


def test_an_event_that_is_rolled_back_is_not_logged(user):
    with capture_logs() as lines, transaction.atomic():
        audit.record(kind=EventKind.LOCKED, user=user, client=Client())
        transaction.set_rollback(True)
    assert not [line for line in lines if line["event"] == "user_locked"]


def test_events_of_many_users_are_one_line_in_the_log(user, make_user):
    users = [user, make_user("bob@example.com")]
    with capture_logs() as lines:
        audit.record_many(kind=EventKind.USER_CREATED, users=users, client=Client(), details={"source": "import"})
    (line,) = [line for line in lines if line["event"] == "user_created"]
    assert (line["users"], line["details"]) == (2, {"source": "import"})


@pytest.mark.parametrize(("kind", "label"), [*EventKind.choices, ("gone", "gone")])
def test_a_kind_has_its_label_and_without_one_its_name(kind, label):
    assert SecurityEvent(kind=kind).get_kind_display() == label


def test_the_label_of_a_kind_is_in_the_language_of_the_reader():
    with translation.override("de"):
        assert SecurityEvent(kind=EventKind.LOCKED).get_kind_display() == "Konto von Mitarbeitern gesperrt"

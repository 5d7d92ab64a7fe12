"""The log of security events in the admin: filters, export, and nothing that changes it."""

import csv
import io
from datetime import UTC, datetime

import pytest
from django.urls import reverse

from accounts.models import SecurityEvent

pytestmark = pytest.mark.django_db
LIST = reverse("admin:accounts_securityevent_changelist")
EXPORT = reverse("admin:accounts_securityevent_export")


@pytest.fixture
def auditor(client, make_user, allow, settings):
    """A browser of staff who may read events."""
    settings.ADMIN_REQUIRE_2FA = False
    reader = make_user("auditor@example.com", is_staff=True)
    allow(reader, "events:read")
    client.force_login(reader)
    return client


@pytest.fixture
def events(user):
    """One event each of two addresses and times."""
    for day, ip, kind in ((1, "203.0.113.1", "signed_in"), (2, "203.0.113.2", "locked")):
        SecurityEvent.objects.create(
            kind=kind, user=user, ip=ip, created_at=datetime(2026, 3, day, tzinfo=UTC), user_agent="=HYPERLINK(1)"
        )


def exported(client, **query):
    answer = client.post(reverse("admin:accounts_securityevent_export", query=query))
    assert answer.streaming
    return list(csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode())))


@pytest.mark.parametrize(
    "query",
    [
        {"ip": "203.0.113.2"}, {"since": "2026-03-02T00:00", "until": "2026-03-03T00:00"}, {"kind__exact": "locked"},
        {"ip": "203.0.113.2", "q": "ann@example"},
    ],
)  # fmt: skip
def test_events_are_found_and_exported_by_address_time_kind_and_person(auditor, events, query):
    listed = auditor.get(LIST, query).context["cl"].queryset
    assert [event.kind for event in listed] == ["locked"]
    (row,) = exported(auditor, **query)
    assert (row["kind"], row["ip"], row["user"]) == ("locked", "203.0.113.2", "ann@example.com")
    assert row["user_agent"] == "'=HYPERLINK(1)"  # a spreadsheet does not run it


def test_an_export_is_recorded_with_its_filters_and_is_not_part_of_itself(auditor, events):
    rows = exported(auditor, kind__exact="signed_in", ip="203.0.113.1")
    assert [row["kind"] for row in rows] == ["signed_in"]
    assert [row["kind"] for row in exported(auditor, kind__exact="events_exported")] == ["events_exported"]
    recorded = SecurityEvent.objects.filter(kind="events_exported").order_by("pk")
    assert recorded[0].details == {"filters": ["ip", "kind__exact"]}
    assert recorded[0].actor.email == "auditor@example.com"


def test_an_export_needs_the_permission_and_a_form(auditor, client, make_user, events):
    assert auditor.get(EXPORT).status_code == 405
    refused = auditor.post(f"{EXPORT}?ip=nonsense")
    assert (refused.status_code, refused["Location"]) == (302, f"{LIST}?e=1")
    client.force_login(make_user("nobody@example.com", is_staff=True))
    assert client.post(EXPORT).status_code == 403
    assert not SecurityEvent.objects.filter(kind="events_exported").exists()


def test_no_page_of_an_event_changes_it(auditor, events):
    event = SecurityEvent.objects.get(kind="locked")
    path = reverse("admin:accounts_securityevent_change", args=[event.pk])
    assert 'name="_save"' not in auditor.get(path).content.decode()
    assert auditor.post(path, {"kind": "signed_in"}).status_code == 403
    for name, *args in (("add",), ("delete", event.pk)):
        assert (
            auditor.post(reverse(f"admin:accounts_securityevent_{name}", args=args), {"post": "yes"}).status_code == 403
        )
    assert SecurityEvent.objects.get(kind="locked") == event

"""An export has all data about its owner, and nobody else's."""

import re

import pytest
from django.utils import timezone

from accounts.models import SecurityEvent, Session
from accounts.services import audit
from accounts.services.account import export
from accounts.states import EventKind
from foodfleet.core.http.clients import Client

pytestmark = pytest.mark.django_db(transaction=True)


def test_users_export_all_their_own_data(caller):
    them = caller("users:read", first_name="Stan")
    answer = them.get("/api/v1/users/me/export/")
    data = answer.json()
    assert re.fullmatch(r'attachment; filename="account-\d+.json"', answer.headers["Content-Disposition"])
    assert data["profile"]["first_name"] == "Stan"
    assert data["roles"][0]["role"] == "Staff of tests"
    assert data["sessions"]
    assert {"events", "messages"} <= data.keys()
    assert "bcrypt" not in answer.content.decode()
    assert SecurityEvent.objects.filter(user=them.user, kind="data_exported").exists()


def test_an_export_has_nothing_of_other_users(user, make_user, allow):
    bob = make_user("bob@example.com", first_name="Robert")
    for owner in (user, bob):
        Session.objects.create(user=owner, expires_at=timezone.now(), device_name=f"Laptop of {owner.email}")
        audit.record(kind=EventKind.LOCKED, user=owner, client=Client(ip="203.0.113.7"))
    allow(bob, "users:read")
    data = export.own_data(user=user, client=Client())
    assert [session["device_name"] for session in data["sessions"]] == ["Laptop of ann@example.com"]
    assert (data["roles"], len(data["events"])) == ([], 1)
    assert "bob" not in str(data).lower()
    assert "Robert" not in str(data)

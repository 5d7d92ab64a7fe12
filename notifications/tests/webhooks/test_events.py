"""What webhooks publish of accounts and messages, by what happens to them."""

import json
import re
from datetime import UTC, datetime
from io import BytesIO

import pytest
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.services.account import profile
from accounts.services.sessions import sessions
from accounts.services.staff import changes, imports, users
from accounts.services.staff.changes import UserChanges
from accounts.services.staff.imports import Mode
from accounts.states import EndReason
from conftest import PASSWORD
from foodfleet.core.http.clients import Client
from notifications.exceptions import PermanentDeliveryError
from notifications.models import Message
from notifications.services.compose.writing import decrypt_content, encrypt_content
from notifications.services.webhooks import endpoints
from notifications.services.webhooks.endpoints import NewEndpoint
from notifications.states import Channel, WebhookEvent
from notifications.tests.delivery.dispatching import FakeGateway, dispatch
from notifications.tests.delivery.dispatching import mail as queue_mail
from notifications.tests.sns import notification, post, ses
from rbac.services import assignments, roles

pytestmark = pytest.mark.django_db
SYSTEM = {"actor": None, "client": Client()}


@pytest.fixture
def published():
    """An endpoint for all events; returns what was published since, as (type, data)."""
    endpoints.create(new=NewEndpoint(url="https://hooks.example.com/", events=["*"]), by=None)

    def read():
        rows = Message.objects.filter(channel=Channel.WEBHOOK).order_by("created_at")
        found = [json.loads(decrypt_content(row.payload)["body"]) for row in rows]
        rows.delete()
        return [(one["type"], one["data"]) for one in found]

    return read


def types(found):
    return [kind for kind, _data in found]


def test_each_change_of_a_user_is_published_by_name(published, make_user):
    bob = make_user("bob@example.com")
    steps = {
        "user.updated": lambda: changes.update(pk=bob.pk, changes=UserChanges(first_name="Bob"), **SYSTEM),
        "user.locked": lambda: users.lock(pk=bob.pk, **SYSTEM),
        "user.unlocked": lambda: users.unlock(pk=bob.pk, **SYSTEM),
        "user.deactivated": lambda: changes.update(pk=bob.pk, changes=UserChanges(is_active=False), **SYSTEM),
        "user.reactivated": lambda: changes.update(pk=bob.pk, changes=UserChanges(is_active=True), **SYSTEM),
        "user.deleted": lambda: users.delete(pk=bob.pk, **SYSTEM),
    }
    for name, step in steps.items():
        step()
        ((kind, data),) = published()
        assert (kind, data["user"]["id"]) == (name, bob.pk)


def test_new_users_and_profiles_are_published_without_secrets(published):
    new = users.NewAccount(email="new@example.com", password=PASSWORD, first_name="Nina")
    ann = users.create(new=new, **SYSTEM)
    (created,) = published()
    assert created[0] == "user.created"
    assert created[1]["user"] == {
        "id": ann.pk, "email": "new@example.com", "email_verified": True, "first_name": "Nina", "last_name": "",
        "phone": "", "language": "", "is_active": True, "is_locked": False, "is_service_account": False,
        "created_at": ann.created_at.isoformat().replace("+00:00", "Z"),
    }  # fmt: skip
    profile.change(user=ann, last_name="Miller")
    ((kind, data),) = published()
    assert (kind, data["user"]["last_name"]) == ("user.updated", "Miller")


def test_roles_are_published_with_the_change(published, make_user):
    bob = make_user("bob@example.com")
    role = roles.create(actor=None, edit=roles.RoleEdit(name="Cook", permissions=["users:read"]))
    until = datetime(2999, 1, 1, tzinfo=UTC)
    assignments.grant(actor=None, user=bob, role=role, scope="fleet:12", expires_at=until)
    assignments.revoke(actor=None, user=bob, role=role)
    granted, revoked = published()
    assert types([granted, revoked]) == ["user.roles_changed"] * 2
    assert granted[1]["change"] == "granted"
    assert granted[1]["role"] == {
        "id": role.pk,
        "name": "Cook",
        "scope": "fleet:12",
        "expires_at": "2999-01-01T00:00:00Z",
    }
    assert (revoked[1]["change"], revoked[1]["user"]["id"]) == ("revoked", bob.pk)


def test_each_ended_session_is_published_once(published, user):
    first, second, third = (sessions.start(user=user, client=Client()).session for _ in range(3))
    sessions.end(first.pk, reason=EndReason.SIGNED_OUT)
    sessions.end_all(user, reason=EndReason.PASSWORD_CHANGED, keep=third.pk)
    sessions.end_all(user, reason=EndReason.PASSWORD_CHANGED, keep=third.pk)
    assert published() == [
        ("session.ended", {"user": {"id": user.pk}, "session": {"id": str(session.pk), "reason": reason}})
        for session, reason in ((first, "signed_out"), (second, "password_changed"))
    ]


@pytest.mark.usefixtures("http")
@pytest.mark.parametrize(
    ("report", "name"),
    [
        ({"kind": "Delivery"}, "message.delivered"),
        ({"kind": "Bounce", "bounceType": "Permanent"}, "message.bounced"),
        ({"kind": "Complaint"}, "message.complained"),
    ],
)
def test_reports_about_messages_are_published(published, api, sent, report, name):
    post(api, notification(ses(report.pop("kind"), "ses-1", **report)))
    ((kind, data),) = published()
    about = {"id": str(sent.pk), "channel": "email", "template": ""}
    assert (kind, data) == (name, {"user": None, "message": about})


def test_a_failed_message_is_published_and_a_failed_webhook_is_not(published, user):
    def refuse(number, content):
        raise PermanentDeliveryError("no")

    queue_mail(user=user)
    dispatch(FakeGateway(refuse))
    assert types(published()) == ["message.failed"]
    users.create(new=users.NewAccount(email="new@example.com", password=PASSWORD), **SYSTEM)
    Message.objects.filter(channel=Channel.WEBHOOK).update(payload=encrypt_content({}))  # has no body: an error of ours
    dispatch(FakeGateway(), channel=Channel.WEBHOOK)
    assert Message.objects.get(channel=Channel.WEBHOOK).status == "failed"


def test_an_import_publishes_all_new_users_in_as_many_queries_as_one(published):
    counts = []
    for batch in (["a"], ["b", "c", "d", "e", "f"]):
        lines = "\n".join(["email", *(f"{name}@example.com" for name in batch)])
        with CaptureQueriesContext(connection) as queries:
            list(imports.import_users(BytesIO(lines.encode()), mode=Mode.CREATE, client=Client()))
        assert types(published()) == ["user.created"] * len(batch)
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_registrations_are_published(published, api):
    api.post("/api/v1/auth/register/", {"email": "new@example.com", "password": PASSWORD})
    assert types(published()) == ["user.created"]


def test_the_documentation_lists_the_events_in_their_order():
    lines = (settings.BASE_DIR / "docs" / "webhooks.md").read_text().splitlines()
    listed = [match[1] for line in lines if (match := re.match(r"\| `([a-z_]+\.[a-z_]+)` \|", line))]
    assert listed == WebhookEvent.values

"""Staff see and end the sessions of others."""

import pytest

from accounts.models import SecurityEvent, Session
from accounts.tests.staff.test_protections import (
    V1,
    give,
)

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]


# -- What Support may do to somebody who holds less
@pytest.fixture
def ann(user, sign_in):
    """A user without roles, signed in once."""
    user.access = sign_in()["access"]
    return user


def test_support_sees_and_ends_the_sessions_of_a_user(api, ann, make_user, sign_in):
    support = make_user("support@example.com")
    give(support, "Support")
    own = {"Authorization": f"Bearer {sign_in(support.email)['access']}"}
    (listed,) = api.get(f"{V1}/users/{ann.pk}/sessions/", headers=own).json()["results"]
    assert api.delete(f"{V1}/users/{ann.pk}/sessions/{listed['id']}/", headers=own).status_code == 204
    assert api.get(f"{V1}/users/me/", headers={"Authorization": f"Bearer {ann.access}"}).status_code == 401
    access = sign_in()["access"]
    assert api.post(f"{V1}/users/{ann.pk}/sessions/end/", headers=own).status_code == 204
    assert api.get(f"{V1}/users/me/", headers={"Authorization": f"Bearer {access}"}).status_code == 401
    assert SecurityEvent.objects.filter(user=ann, actor=support, kind="sessions_ended").count() == 1
    theirs = Session.objects.of(support).get().pk
    assert api.delete(f"{V1}/users/{ann.pk}/sessions/{theirs}/", headers=own).json()["code"] == "session_not_found"


@pytest.mark.parametrize("role", ["Administrator", "Support"])
def test_ending_sessions_in_the_admin_is_recorded(client, ann, make_user, settings, role):
    settings.ADMIN_REQUIRE_2FA = False
    staff = make_user("staff@example.com", is_staff=True)
    give(staff, role)
    client.force_login(staff)
    assert client.get("/admin/accounts/session/").status_code == 200
    chosen = {"action": "end", "confirmed": "1", "_selected_action": [Session.objects.of(ann).get().pk]}
    client.post("/admin/accounts/session/", chosen)
    assert not Session.objects.of(ann).filter(ended_at=None).exists()
    assert "session was ended" in client.get(f"/admin/accounts/user/{ann.pk}/history/").content.decode()

"""A deleted account leaves a pseudonym, and no personal data."""

import pytest

from accounts.models import OneTimeToken, SecurityEvent, Session, User
from accounts.tests.conftest import give
from accounts.tests.staff.test_users import USERS, emails
from conftest import PASSWORD
from notifications.models import Message

pytestmark = pytest.mark.django_db(transaction=True)


def test_deleting_a_user_leaves_only_a_pseudonym(api, boss, caller, sign_in):
    them = caller(email="ann@example.com", first_name="Ann", last_name="Meyer", phone="+491701234567")
    give(them.user, "users:read", role="Readers")
    api.post("/api/v1/auth/password/forgot/", {"email": "ann@example.com"})
    pk = them.user.pk
    assert boss.delete(f"{USERS}{pk}/").status_code == 204
    assert boss.get(f"{USERS}{pk}/").json()["code"] == "user_not_found"
    assert boss.delete(f"{USERS}{pk}/").status_code == 404
    assert them.get("/api/v1/users/me/").status_code == 401
    assert f"deleted-{pk}@deleted.invalid" not in emails(boss.get(USERS))
    row = User.objects.get(pk=pk)
    assert (row.email, row.first_name, row.phone, row.is_active) == (f"deleted-{pk}@deleted.invalid", "", "", False)
    assert not row.has_usable_password()
    assert not Session.objects.filter(user=pk).exists()
    assert not OneTimeToken.objects.filter(user=pk).exists()
    events = SecurityEvent.objects.filter(user=pk)
    assert events.filter(kind="user_deleted", actor=boss.user).count() == 1
    assert not events.exclude(kind="user_deleted").exclude(ip=None, user_agent="").exists()
    assert not any("ann@example.com" in str(m.to) for m in Message.objects.filter(user=pk))
    assert row.role_assignments.get().ended_at is not None
    assert api.post("/api/v1/auth/register/", {"email": "ann@example.com", "password": PASSWORD}).status_code == 202
    assert User.objects.filter(email="ann@example.com").exists()

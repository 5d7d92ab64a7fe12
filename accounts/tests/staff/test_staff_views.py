"""What staff see of a user beside the list: two-factor methods, API keys, resets, and filters by flag."""

import pytest
from django.utils import timezone

from accounts.models import MFAReset, SecurityEvent, TOTPDevice
from accounts.services.programs import api_keys
from accounts.services.programs.api_keys import NewKey
from foodfleet.core.http.clients import Client

pytestmark = pytest.mark.django_db
USERS = "/api/v1/users/"


@pytest.fixture
def staff(api, user, allow):
    """The API's client in Ann's name."""
    allow(user, "users:read", "users:reset_2fa", "service_accounts:read", "service_accounts:update")
    api.force_authenticate(user)
    return api


@pytest.fixture
def bob(make_user):
    """Somebody else."""
    return make_user("bob@example.com")


def test_staff_see_the_two_factor_methods_of_a_user(staff, bob):
    path = f"{USERS}{bob.pk}/2fa/"
    assert staff.get(path).json() == {"enabled": False, "methods": [], "backup_codes_remaining": 0}
    TOTPDevice.objects.create(user=bob, confirmed_at=timezone.now())
    assert staff.get(path).json()["methods"] == ["totp"]
    assert staff.get(f"{USERS}{'9' * 30}/2fa/").json()["code"] == "user_not_found"


def test_staff_list_and_revoke_the_keys_of_a_person(staff, user, bob, settings):
    settings.PERSONAL_API_KEYS = True
    key = api_keys.create_own(user=bob, new=NewKey(name="Script"), client=Client()).row
    path = f"{USERS}{bob.pk}/keys/"
    assert [row["id"] for row in staff.get(path).json()["results"]] == [str(key.pk)]
    assert staff.delete(f"{USERS}{user.pk}/keys/{key.pk}/").status_code == 404, "of somebody else"
    assert staff.delete(f"{path}{key.pk}/").status_code == 204
    assert staff.delete(f"{path}{key.pk}/").status_code == 404
    assert staff.get(path).json()["results"] == []
    assert SecurityEvent.objects.get(kind="api_key_revoked", user=bob).actor == user


def test_staff_do_not_revoke_the_keys_of_who_may_do_more(staff, make_user, settings):
    settings.PERSONAL_API_KEYS = True
    root = make_user("root@example.com", is_superuser=True)
    key = api_keys.create_own(user=root, new=NewKey(name="Script"), client=Client()).row
    assert staff.delete(f"{USERS}{root.pk}/keys/{key.pk}/").status_code == 403


def test_lists_are_filtered_by_flag_and_by_user(staff, user, bob, make_user):
    make_user("root@example.com", is_superuser=True, is_staff=True)
    for query, count in {"is_staff=true": 1, "is_superuser=false": 2}.items():
        assert len(staff.get(f"{USERS}?{query}").json()["results"]) == count
    MFAReset.objects.create(user=bob, requested_by=user, reason="lost")
    for pk, count in ((bob.pk, 1), (user.pk, 0)):
        assert len(staff.get(f"/api/v1/2fa-resets/?user={pk}").json()["results"]) == count
    assert staff.get("/api/v1/2fa-resets/?user=bob").status_code == 422

"""Why a user has a permission or not, now and in the past."""

from datetime import timedelta

import pytest
from django.utils import timezone

pytestmark = pytest.mark.django_db


def test_checking_another_user_requires_access_check(api, user, make_user, allow):
    allow(user, "users:read")
    allow(user, "users:lock", scope="fleet:12")
    api.force_authenticate(user)
    requested = {"permissions": ["users:read", "users:lock", "no:such"]}
    assert api.post("/api/v1/access/check/", requested).json() == {
        "results": {"users:read": True, "users:lock": False, "no:such": False}
    }
    scoped = api.post("/api/v1/access/check/", {**requested, "scope": "fleet:12"}).json()["results"]
    assert scoped == {"users:read": True, "users:lock": True, "no:such": False}
    other = make_user("other@example.com")
    refused = api.post("/api/v1/access/check/", {**requested, "user": other.pk})
    assert refused.status_code == 403
    assert refused.json()["details"] == {"missing": ["access:check"]}
    allow(user, "access:check")
    assert not any(api.post("/api/v1/access/check/", {**requested, "user": other.pk}).json()["results"].values())
    assert api.post("/api/v1/access/check/", {**requested, "user": 999999}).json()["code"] == "user_not_found"
    assert api.post("/api/v1/access/check/", {"permissions": []}).status_code == 422
    assert api.post("/api/v1/access/check/", {"permissions": ["a:b"] * 101}).status_code == 422


def test_an_explanation_of_the_past_uses_the_history(as_root, user):
    role = as_root.post("/api/v1/roles/", {"name": "r", "permissions": ["users:read"]}).json()["id"]
    url = f"/api/v1/users/{user.pk}/roles/"
    as_root.post(url, {"role": role})
    given = timezone.now()
    as_root.patch(f"/api/v1/roles/{role}/", {"permissions": []})
    edited = timezone.now()
    as_root.patch(f"/api/v1/roles/{role}/", {"permissions": ["users:read"]})
    as_root.delete(f"{url}{role}/")
    ended = timezone.now()

    def explained(at):
        query = {"user": user.pk, "permission": "users:read", "at": at.isoformat()}
        return as_root.get("/api/v1/access/explain/", query).json()

    then = explained(given)
    assert then["allowed"] is True
    assert then["because"][0]["role"] == "r"
    assert then["because"][0]["granted_by"] == "root@example.com"
    assert explained(edited)["allowed"] is False
    assert explained(ended)["missing"]["expired"] is not None
    assert explained(given - timedelta(days=1))["allowed"] is False
    as_root.delete(f"/api/v1/roles/{role}/")
    assert explained(given)["allowed"] is True

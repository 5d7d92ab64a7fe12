"""API keys: what they open, and when they do not."""

import re
from datetime import timedelta

import pytest
from django.test import Client as Browser
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import ApiKey, Session, User
from accounts.services.purge import purge_expired
from accounts.tests.programs.conftest import Caller
from foodfleet.core.http.clients import Client
from rbac.services import assignments, roles

pytestmark = pytest.mark.django_db


def code_of(answer):
    return answer.status_code, answer.json().get("code")


def test_a_key_works_like_an_access_token(account, new_key, roles_of_account):
    key = new_key()
    assert re.fullmatch(rf"ffk_{key['prefix']}_[A-Za-z0-9]{{43}}", key["key"])
    program = Caller(key["key"])
    assert code_of(program.call("get", "/users/")) == (403, "insufficient_permissions")
    roles_of_account("users:read")
    assert program.call("get", "/users/").status_code == 200
    me = program.call("get", "/users/me/").json()
    assert (me["id"], me["permissions"]) == (account, ["users:read"])


def test_the_whole_key_is_shown_once_and_not_stored(boss, account, new_key):
    key = new_key(name="Laptop", allowed_networks=["10.0.0.0/8"])
    listed = boss.call("get", f"/service-accounts/{account}/keys/").json()["results"]
    assert [(one["id"], one["name"], one["allowed_networks"]) for one in listed] == [
        (key["id"], "Laptop", ["10.0.0.0/8"])
    ]
    assert "key" not in listed[0]
    stored = ApiKey.objects.filter(pk=key["id"]).values().get()
    assert key["key"].rpartition("_")[2] not in str(stored)


def test_a_revoked_key_is_refused_at_the_next_request(boss, account, new_key):
    key = new_key()
    program = Caller(key["key"])
    assert program.call("get", "/users/me/").status_code == 200
    path = f"/service-accounts/{account}/keys/{key['id']}/"
    assert boss.call("delete", path).status_code == 204
    assert code_of(program.call("get", "/users/me/")) == (401, "invalid_token")
    assert code_of(boss.call("delete", path)) == (404, "api_key_not_found")
    assert boss.call("get", f"/service-accounts/{account}/keys/").json()["results"] == []


def test_a_second_key_works_while_the_first_is_replaced(boss, account, new_key):
    first, second = new_key(), new_key()
    assert Caller(second["key"]).call("get", "/users/me/").status_code == 200
    boss.call("delete", f"/service-accounts/{account}/keys/{first['id']}/")
    assert Caller(second["key"]).call("get", "/users/me/").status_code == 200


def delete(boss, account):
    return boss.call("delete", f"/service-accounts/{account}/")


# -- Narrower permissions
def test_a_key_may_have_fewer_permissions_than_its_account(account, new_key, roles_of_account):
    roles_of_account("users:read", "users:update")
    program = Caller(new_key(permissions=["users:read"])["key"])
    assert program.call("get", "/users/me/").json()["permissions"] == ["users:read"]
    assert program.call("get", "/users/").status_code == 200
    refused = program.call("patch", f"/users/{account}/", {"is_active": True})
    assert (refused.status_code, refused.json()["details"]) == (403, {"missing": ["users:update"]})


def test_services_check_the_permissions_of_the_key_again(account, user, new_key, roles_of_account):
    from accounts.services.staff import users

    roles_of_account("users:read", "users:lock")
    new_key(permissions=["users:read"])
    actor = User.objects.get(pk=account)
    actor.acting_session, actor.acting_permissions = ApiKey.objects.get().pk, frozenset({"users:read"})
    with pytest.raises(Exception, match="not allowed"):
        users.lock(pk=user.pk, actor=actor, client=Client())
    ApiKey.objects.update(revoked_at=timezone.now())
    actor.acting_permissions = None
    with pytest.raises(Exception, match="sign in"):
        users.lock(pk=user.pk, actor=actor, client=Client())


@pytest.mark.parametrize("codenames", [["users:read"], ["nothing:at_all"]])
def test_a_key_is_not_limited_to_what_its_account_lacks(boss, account, codenames):
    refused = boss.call("post", f"/service-accounts/{account}/keys/", {"name": "Key", "permissions": codenames})
    assert (refused.status_code, refused.json()["details"]["permissions"][0]["code"]) == (422, "not_held")


def test_a_limited_key_makes_no_key_that_may_do_more(account, new_key, roles_of_account):
    roles_of_account("users:read", "service_accounts:update")
    program = Caller(new_key(permissions=["service_accounts:update"])["key"])
    path = f"/service-accounts/{account}/keys/"
    assert code_of(program.call("post", path, {"name": "More"})) == (403, "insufficient_permissions")
    same = program.call("post", path, {"name": "Same", "permissions": ["service_accounts:update"]})
    assert same.status_code == 201


@pytest.mark.parametrize("networks", [["10.0.0.1/8"], ["nowhere"], ["10.0.0.0/8"] * 21])
def test_allowed_networks_are_networks(boss, account, networks):
    body = {"name": "Key", "allowed_networks": networks}
    refused = boss.call("post", f"/service-accounts/{account}/keys/", body)
    assert refused.status_code == 422
    assert "allowed_networks" in str(refused.json()["details"])


def test_an_expiry_is_in_the_future(boss, account):
    body = {"name": "Key", "expires_at": "2020-01-01T00:00:00Z"}
    assert boss.call("post", f"/service-accounts/{account}/keys/", body).status_code == 422


def test_keys_that_ended_long_ago_are_purged(new_key):
    gone, kept = new_key(), new_key()
    ApiKey.objects.filter(pk=gone["id"]).update(revoked_at=timezone.now() - timedelta(days=91))
    purge_expired()
    assert [str(one.pk) for one in ApiKey.objects.all()] == [kept["id"]]


# -- What a key does not open
def test_a_key_opens_neither_pages_nor_admin(boss, account, new_key):
    headers = {"Authorization": f"Bearer {new_key()['key']}"}
    for path in ("/account/", "/admin/"):
        assert Browser(headers=headers).get(path).status_code == 302


@pytest.mark.parametrize(
    "path", ["/auth/2fa/setup/", "/auth/passkeys/options/", "/auth/phone/", "/auth/password/change/", "/users/me/keys/"]
)
def test_a_service_account_has_no_password_mfa_or_phone(new_key, path):
    body = {"password": "a", "phone": "+491701234567", "current_password": "a", "new_password": "b", "name": "Key"}
    assert code_of(Caller(new_key()["key"]).call("post", path, body)) == (403, "fresh_proof_required")


def test_a_role_that_requires_mfa_does_not_stop_a_service_account(account, new_key):
    role = roles.create(actor=None, edit=roles.RoleEdit(name="strict", permissions=["users:read"], requires_2fa=True))
    assignments.grant(actor=None, user=User.objects.get(pk=account), role=role)
    assert Caller(new_key()["key"]).call("get", "/users/").status_code == 200


# -- Keys of people
@pytest.fixture
def personal(settings, user, sign_in):
    """A key of Ann, who has the permissions of a test."""
    settings.PERSONAL_API_KEYS = True
    ann = Caller(sign_in()["access"])
    made = ann.call("post", "/users/me/keys/", {"name": "Laptop"})
    assert made.status_code == 201, made.content
    return made.json()


def test_people_have_keys_only_where_a_setting_allows_it(settings, personal, user, sign_in):
    assert Caller(personal["key"]).call("get", "/users/me/").json()["email"] == user.email
    settings.PERSONAL_API_KEYS = False
    assert code_of(Caller(personal["key"]).call("get", "/users/me/")) == (401, "invalid_token")
    ann = Caller(sign_in()["access"])
    assert code_of(ann.call("post", "/users/me/keys/", {"name": "Other"})) == (403, "personal_keys_off")


def test_a_key_of_a_person_may_at_each_moment_what_the_person_may(personal, user, allow):
    program = Caller(personal["key"])
    assert program.call("get", "/users/").status_code == 403
    given = allow(user, "users:read")
    assert program.call("get", "/users/").status_code == 200
    assignments.revoke(actor=None, user=user, role=given.role)
    assert program.call("get", "/users/").status_code == 403


def test_a_limited_key_of_a_superuser_may_no_more_than_it_says(settings, make_user, sign_in, user):
    settings.PERSONAL_API_KEYS = True
    make_user("boss@example.com", is_superuser=True)
    boss = Caller(sign_in("boss@example.com")["access"])
    body = {"name": "Reader", "permissions": ["users:read", "users:update"]}
    program = Caller(boss.call("post", "/users/me/keys/", body).json()["key"])
    assert program.call("get", "/users/").status_code == 200
    assert program.call("get", "/roles/").status_code == 403
    assert program.call("patch", f"/users/{user.pk}/", {"is_superuser": True}).status_code == 403
    assert program.call("get", "/users/me/").json()["permissions"] == ["users:read", "users:update"]


def test_a_pending_password_change_stops_the_keys_of_a_person(personal, user):
    User.objects.filter(pk=user.pk).update(must_change_password=True)
    assert code_of(Caller(personal["key"]).call("get", "/users/me/")) == (403, "password_change_required")


def test_a_role_that_requires_mfa_stops_the_keys_of_a_person_without_it(personal, user):
    role = roles.create(actor=None, edit=roles.RoleEdit(name="strict", requires_2fa=True))
    assignments.grant(actor=None, user=user, role=role)
    assert code_of(Caller(personal["key"]).call("get", "/users/me/")) == (403, "two_factor_required")


def test_nobody_makes_a_key_without_reauthentication(settings, user, sign_in):
    settings.PERSONAL_API_KEYS = True
    ann = Caller(sign_in()["access"])
    Session.objects.update(reauthenticated_at=timezone.now() - timedelta(minutes=11))
    assert code_of(ann.call("post", "/users/me/keys/", {"name": "Key"})) == (403, "fresh_proof_required")


def test_people_see_and_revoke_their_own_keys_alone(personal, user, make_user, sign_in):
    ann = Caller(sign_in()["access"])
    assert [one["id"] for one in ann.call("get", "/users/me/keys/").json()["results"]] == [personal["id"]]
    make_user("bob@example.com")
    bob = Caller(sign_in("bob@example.com")["access"])
    assert bob.call("delete", f"/users/me/keys/{personal['id']}/").status_code == 404
    assert ann.call("delete", f"/users/me/keys/{personal['id']}/").status_code == 204
    assert Caller(personal["key"]).call("get", "/users/me/").status_code == 401


def test_a_compromise_report_revokes_the_keys_of_the_person(personal, user):
    from accounts.receivers import mfa

    mfa.revoke_access(user=user, client=Client())
    assert Caller(personal["key"]).call("get", "/users/me/").status_code == 401


def test_an_export_of_own_data_lists_the_keys(personal, user, sign_in):
    exported = Caller(sign_in()["access"]).call("get", "/users/me/export/").json()
    assert [one["prefix"] for one in exported["api_keys"]] == [personal["prefix"]]
    assert "digest" not in exported["api_keys"][0]


def test_a_caller_without_a_key_may_not_list_keys(account):
    assert APIClient().get(f"/api/v1/service-accounts/{account}/keys/").status_code == 401

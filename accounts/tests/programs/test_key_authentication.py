"""Requests with an API key: which keys are accepted, and what is recorded."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import ApiKey, SecurityEvent, User
from accounts.tests.programs.conftest import Caller
from accounts.tests.programs.test_api_keys import code_of, delete

pytestmark = pytest.mark.django_db


HERE = "198.51.100.7"


def kinds_of(account):
    return list(SecurityEvent.objects.filter(user=account).order_by("pk").values_list("kind", flat=True))


def deactivate(boss, account):
    return boss.call("patch", f"/service-accounts/{account}/", {"is_active": False})


def lock(boss, account):
    return boss.call("post", f"/users/{account}/lock/")


@pytest.mark.parametrize("close", [deactivate, lock, delete])
def test_the_keys_of_a_closed_account_are_refused_at_once(boss, account, new_key, close):
    program = Caller(new_key()["key"])
    assert program.call("get", "/users/me/").status_code == 200
    assert close(boss, account).status_code < 300
    assert code_of(program.call("get", "/users/me/")) == (401, "invalid_token")


def test_keys_work_again_when_the_account_is_open_again(boss, account, new_key):
    program = Caller(new_key()["key"])
    deactivate(boss, account)
    boss.call("patch", f"/service-accounts/{account}/", {"is_active": True})
    assert program.call("get", "/users/me/").status_code == 200


def test_an_expired_key_is_refused(new_key):
    key = new_key(expires_at=(timezone.now() + timedelta(hours=1)).isoformat())
    program = Caller(key["key"])
    assert program.call("get", "/users/me/").status_code == 200
    ApiKey.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    User.objects.filter(pk=ApiKey.objects.get().user_id).update(language="")  # invalidates, as time does not
    assert code_of(program.call("get", "/users/me/")) == (401, "invalid_token")


@pytest.mark.parametrize("wrong", ["ffk_", "ffk_000000000000_" + "a" * 43, "ffk_ü", "ffk_" + "a" * 5000])
def test_a_wrong_key_is_refused(db, wrong):
    assert code_of(Caller(wrong.encode().decode("latin-1")).call("get", "/users/me/")) == (401, "invalid_token")


def test_a_key_with_another_secret_is_refused(new_key):
    key = new_key()
    forged = key["key"][:-1] + ("a" if key["key"][-1] != "a" else "b")
    Caller(key["key"]).call("get", "/users/me/")
    assert code_of(Caller(forged).call("get", "/users/me/")) == (401, "invalid_token")


def test_many_wrong_keys_from_one_address_are_limited(db, settings):
    settings.THROTTLE_RATES = {**settings.THROTTLE_RATES, "api_key": (3, 24 * 3600)}
    answers = [Caller("ffk_wrong").call("get", "/users/me/").status_code for _ in range(5)]
    assert answers == [401, 401, 401, 429, 429]


# -- Networks
def test_a_key_works_in_its_networks_only(account, new_key):
    key = new_key(allowed_networks=["198.51.100.0/24", "2001:db8::/32"])
    inside, outside = Caller(key["key"], REMOTE_ADDR=HERE), Caller(key["key"], REMOTE_ADDR="192.0.2.1")
    assert inside.call("get", "/users/me/").status_code == 200
    for _ in range(3):
        assert code_of(outside.call("get", "/users/me/")) == (403, "address_not_allowed")
    refused = SecurityEvent.objects.get(user=account, kind="api_key_refused")
    assert (refused.ip, refused.details["reason"]) == ("192.0.2.1", "address")


# -- The security log
def test_first_and_refused_uses_are_security_events(boss, account, new_key):
    key = new_key()
    program = Caller(key["key"])
    for _ in range(3):
        program.call("get", "/users/me/")
    boss.call("delete", f"/service-accounts/{account}/keys/{key['id']}/")
    for _ in range(3):
        program.call("get", "/users/me/")
    assert kinds_of(account)[1:] == ["api_key_created", "api_key_first_used", "api_key_revoked", "api_key_refused"]
    refused = SecurityEvent.objects.get(kind="api_key_refused")
    assert refused.details == {"prefix": key["prefix"], "name": "Production", "reason": "revoked"}


def test_the_last_use_is_stored_every_few_minutes(boss, account, new_key):
    new = new_key()
    Caller(new["key"]).call("get", "/users/me/")
    used = ApiKey.objects.get().last_used_at
    assert timezone.now() - used < timedelta(minutes=1)
    listed = boss.call("get", "/service-accounts/").json()["results"]
    assert listed[0]["last_used_at"] is not None
    ApiKey.objects.update(last_used_at=used - timedelta(minutes=4))
    User.objects.filter(pk=account).update(language="")  # as if the cached key had expired
    Caller(new["key"]).call("get", "/users/me/")
    assert timezone.now() - ApiKey.objects.get().last_used_at < timedelta(minutes=1)

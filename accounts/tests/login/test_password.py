"""Sign-in with a password, and what may change about the account meanwhile."""

import pytest
from django.utils import timezone

from accounts.exceptions import InvalidCredentialsException
from accounts.models import Session, TOTPDevice, User
from accounts.services.account import password_change
from accounts.services.login import password as sign_ins
from accounts.services.mfa import totp
from accounts.tests.hashers import CountingHasher
from accounts.tests.wsgi import Answer
from conftest import PASSWORD
from foodfleet.core.http.clients import Client

pytestmark = pytest.mark.django_db(transaction=True)
LOGIN = "/api/v1/auth/login/"
NEW = "Another-Grill-2027!"


def test_a_sign_in_with_a_just_replaced_password_starts_no_session(user):
    who = sign_ins.authenticate(email=user.email, password=PASSWORD, client=Client())
    password_change.change(user=User.objects.get(pk=user.pk), current=PASSWORD, new=NEW, client=Client())
    with pytest.raises(InvalidCredentialsException):
        sign_ins._begin(who.user, Client(), clear_unknown_device=False, how=sign_ins._Authentication())
    assert not Session.objects.exists()


@pytest.mark.parametrize("shut", [{"is_active": False}, {"locked_at": timezone.now()}])
def test_a_sign_in_that_ends_after_the_account_was_closed_is_refused(user, shut):
    who = sign_ins.authenticate(email=user.email, password=PASSWORD, client=Client())
    User.objects.filter(pk=user.pk).update(**shut)
    with pytest.raises(InvalidCredentialsException):
        sign_ins._begin(who.user, Client(), clear_unknown_device=False, how=sign_ins._Authentication())
    assert not Session.objects.exists()


def test_a_sign_in_that_read_the_user_before_mfa_was_on_begins_no_session(user):
    found = sign_ins.authenticate(email=user.email, password=PASSWORD, client=Client()).user
    assert not found.has_mfa
    TOTPDevice.objects.create(
        user=user, secret=TOTPDevice.encrypt_secret(totp.new_secret()), confirmed_at=user.created_at
    )
    how = sign_ins._Authentication(reauthenticated_at=user.created_at)
    with pytest.raises(InvalidCredentialsException):
        sign_ins._begin(found, Client(), clear_unknown_device=True, how=how)
    assert not Session.objects.exists()


def test_an_unknown_address_costs_one_hash(make_user, settings):
    settings.PASSWORD_HASHERS = ["accounts.tests.hashers.CountingHasher"]
    make_user()
    costs = []
    for email in ("ann@example.com", "nobody@example.com"):
        before = CountingHasher.calls
        Answer(LOGIN, {"email": email, "password": "Wrong-Guess-1!"}).close()
        costs.append(CountingHasher.calls - before)
    assert costs == [1, 1]


def test_a_person_registers_confirms_signs_in_and_calls_the_api(api, link_token):
    registered = api.post("/api/v1/auth/register/", {"email": "Ann@Example.com", "password": PASSWORD})
    assert registered.status_code == 202
    verified = api.post("/api/v1/auth/email/verify/", {"token": link_token("/email/verify/")})
    assert verified.status_code == 204
    tokens = api.post("/api/v1/auth/login/", {"email": "ann@example.com", "password": PASSWORD}).json()
    me = api.get("/api/v1/users/me/", headers={"Authorization": f"Bearer {tokens['access']}"})
    assert me.json()["email"] == "ann@example.com"
    again = api.post("/api/v1/auth/refresh/", {"refresh": tokens["refresh"]})
    assert again.status_code == 200
    assert set(again.json()) == {"access", "refresh", "token_type", "expires_in"}
    assert api.post("/api/v1/auth/logout/", {"refresh": again.json()["refresh"]}).status_code == 204
    assert api.get("/api/v1/users/me/", headers={"Authorization": f"Bearer {tokens['access']}"}).status_code == 401

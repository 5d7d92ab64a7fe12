"""A passkey is the whole sign-in where its owner chose that."""

import pytest
from django.utils import timezone

from accounts.models import Passkey, User
from accounts.tests.authenticator import Authenticator
from accounts.tests.conftest import bearer

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_passkey_is_the_whole_sign_in_only_where_its_owner_chose_that(api, with_passkey, sign_in_alone):
    authenticator, tokens = with_passkey()
    assert sign_in_alone(authenticator).status_code == 401
    pk = Passkey.objects.get().pk
    api.patch(f"/api/v1/auth/passkeys/{pk}/", {"passwordless": True}, headers=bearer(tokens))
    signed_in = sign_in_alone(authenticator)
    assert signed_in.status_code == 200, signed_in.content
    assert signed_in.json()["user"]["email"] == "ann@example.com"


def test_the_whole_sign_in_takes_an_authenticator_that_knows_its_holder(with_passkey, sign_in_alone):
    authenticator, _ = with_passkey(Authenticator(verifies=False), passwordless=True)
    assert sign_in_alone(authenticator).status_code == 401
    authenticator.flags |= 0x04
    assert sign_in_alone(authenticator).status_code == 200


def test_a_passkey_signs_nobody_in_who_may_not(with_passkey, sign_in_alone):
    authenticator, _ = with_passkey(passwordless=True)
    User.objects.update(locked_at=timezone.now())
    refused = sign_in_alone(authenticator)
    assert (refused.status_code, refused.json()["code"]) == (401, "account_locked")
    User.objects.update(locked_at=None, email_verified_at=None)
    assert sign_in_alone(authenticator).json()["code"] == "email_not_verified"
    User.objects.update(email_verified_at=timezone.now(), is_active=False)
    assert sign_in_alone(authenticator).status_code == 401

"""Keys that sign tokens: rotated, published, and nobody logged out."""

import contextlib

import jwt
import pytest
from django.core.management import call_command
from django.db import transaction
from django.utils import timezone

from accounts.models import SigningKey
from accounts.services.jwt import keyring

pytestmark = pytest.mark.django_db
ME, REFRESH, JWKS = "/api/v1/users/me/", "/api/v1/auth/refresh/", "/.well-known/jwks.json"


@pytest.mark.parametrize("algorithm", ["HS256", "EdDSA", "ES256", "RS256"])
def test_a_rotation_logs_nobody_out_and_other_processes_see_it(algorithm, user, sign_in, api, settings):
    settings.JWT_SIGNING_ALGORITHM = algorithm
    call_command("rotate_jwt_keys", verbosity=0)
    before = sign_in()
    stale = keyring._loaded
    call_command("rotate_jwt_keys", verbosity=0)
    after = sign_in()
    keyring._loaded = stale  # a process that knows the old key alone
    assert jwt.get_unverified_header(before["access"])["kid"] != jwt.get_unverified_header(after["access"])["kid"]
    for pair in (after, before):
        assert api.get(ME, headers={"Authorization": f"Bearer {pair['access']}"}).status_code == 200
        assert api.post(REFRESH, {"refresh": pair["refresh"]}).status_code == 200
    published = api.get(JWKS).json()["keys"]
    assert len(published) == (0 if algorithm == "HS256" else 2)
    assert not any("d" in key for key in published)
    if published:
        known = jwt.PyJWKSet.from_dict({"keys": published})[jwt.get_unverified_header(after["access"])["kid"]]
        claims = jwt.decode(after["access"], known, algorithms=[algorithm], audience="foodfleet")
        assert claims["type"] == "access"


def kid(token):
    return jwt.get_unverified_header(token)["kid"]


def test_a_key_is_erased_when_its_last_token_has_expired(user, sign_in, api, settings):
    settings.JWT_SIGNING_ALGORITHM = "EdDSA"
    call_command("rotate_jwt_keys", verbosity=0)
    old = sign_in()
    call_command("rotate_jwt_keys", verbosity=0)
    row = SigningKey.objects.get(kid=kid(old["access"]))
    expires = jwt.decode(old["refresh"], options={"verify_signature": False})["exp"]
    assert row.verifies_until.timestamp() > expires
    assert row.verifies_until < timezone.now() + settings.SIMPLE_JWT["REFRESH_TOKEN_LIFETIME"] + 2 * keyring.MARGIN
    assert kid(old["access"]) in {key["kid"] for key in api.get(JWKS).json()["keys"]}
    SigningKey.objects.filter(pk=row.pk).update(verifies_until=timezone.now())
    keyring.forget()  # as every process does of itself after half a minute
    assert kid(old["access"]) not in {key["kid"] for key in api.get(JWKS).json()["keys"]}
    assert api.get(ME, headers={"Authorization": f"Bearer {old['access']}"}).status_code == 401
    call_command("purge_expired", verbosity=0)
    assert list(SigningKey.objects.filter(secret_ciphertext="")) == [row]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("algorithm", ["EdDSA", "ES256", "RS256"])
def test_an_asymmetric_algorithm_needs_no_preparation(algorithm, settings, user, sign_in, api):
    settings.JWT_SIGNING_ALGORITHM = algorithm
    access = sign_in()["access"]
    [key] = api.get(JWKS).json()["keys"]
    assert (key["alg"], key["kid"]) == (algorithm, kid(access))
    assert api.get(ME, headers={"Authorization": f"Bearer {access}"}).status_code == 200
    assert SigningKey.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_first_key_that_was_rolled_back_signs_nothing_more(settings, user, sign_in, api):
    settings.JWT_SIGNING_ALGORITHM = "EdDSA"
    with contextlib.suppress(RuntimeError), transaction.atomic():
        lost = keyring.signing_key()
        raise RuntimeError("what needed it failed")
    access = sign_in()["access"]
    assert kid(access) != lost.kid
    assert [key["kid"] for key in api.get(JWKS).json()["keys"]] == [kid(access)]


def test_a_key_of_another_algorithm_does_not_sign(settings, user, sign_in, api):
    settings.JWT_SIGNING_ALGORITHM = "ES256"
    call_command("rotate_jwt_keys", verbosity=0)
    settings.JWT_SIGNING_ALGORITHM = "EdDSA"
    assert jwt.get_unverified_header(sign_in()["access"])["alg"] == "EdDSA"

"""Signing keys: made, read from files, derived; each has one `kid` in every process."""

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from django.core.exceptions import ImproperlyConfigured

from accounts.services.jwt import keys

pytestmark = pytest.mark.once


@pytest.mark.parametrize("algorithm", ["EdDSA", "ES256"])
def test_a_key_publishes_what_verifies_and_nothing_else(algorithm):
    key = keys.from_text(keys.new_secret(algorithm), algorithm)
    assert key.jwk is not None
    assert key.jwk.keys() <= {"kty", "crv", "x", "y", "kid", "use", "alg"}  # and not `d`, the secret
    assert (key.jwk["kid"], key.jwk["alg"], key.jwk["use"]) == (key.kid, algorithm, "sig")


def test_the_same_secret_has_the_same_kid_and_another_has_another():
    secret = keys.new_secret("EdDSA")
    assert keys.from_text(secret, "EdDSA").kid == keys.from_text(secret, "EdDSA").kid
    assert keys.from_text(keys.new_secret("EdDSA"), "EdDSA").kid != keys.from_text(secret, "EdDSA").kid


def test_a_shared_secret_is_as_long_as_the_hash_and_not_published():
    secret = keys.new_secret("HS256")
    key = keys.from_text(secret, "HS256")
    assert len(bytes.fromhex(secret)) == 32
    assert (key.secret, key.public, key.jwk) == (secret, secret, None)
    assert secret not in key.kid
    assert secret not in repr(key)


def test_the_derived_key_depends_on_the_secret_key_and_does_not_reveal_it():
    assert keys.derived("one") == keys.derived("one")
    assert keys.derived("one").kid != keys.derived("two").kid
    assert "one" not in keys.derived("one").secret


def test_a_file_has_a_key_of_the_algorithm(tmp_path):
    path = tmp_path / "key.pem"
    path.write_text(keys.new_secret("ES256"))
    assert keys.from_file(path, "ES256").algorithm == "ES256"
    with pytest.raises(ImproperlyConfigured, match="does not fit EdDSA"):
        keys.from_file(path, "EdDSA")


def test_a_file_without_a_key_is_named(tmp_path):
    path = tmp_path / "key.pem"
    with pytest.raises(ImproperlyConfigured, match=r"key\.pem cannot be read"):
        keys.from_file(path, "EdDSA")
    path.write_text("-----BEGIN PUBLIC KEY-----")
    with pytest.raises(ImproperlyConfigured, match=r"key\.pem has no private key"):
        keys.from_file(path, "EdDSA")


def test_a_short_rsa_key_is_refused(tmp_path):
    path = tmp_path / "key.pem"
    key = rsa.generate_private_key(public_exponent=65537, key_size=1024)
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    with pytest.raises(ImproperlyConfigured, match="does not fit RS256"):
        keys.from_file(path, "RS256")

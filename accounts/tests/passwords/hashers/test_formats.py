"""Forms of hashes of other products are read, and refused where they are broken or too expensive."""

import base64
import hashlib

import pytest

from accounts.services.passwords.hashers import bcrypt_sha256, formats
from accounts.services.passwords.hashers.bcrypt_sha256 import UnacceptableHashError

pytestmark = pytest.mark.django_db


B64 = {n: base64.b64encode(bytes(n)).decode() for n in (16, 32, 64)}


@pytest.mark.parametrize(
    "text",
    [
        f"pbkdf2_sha256$1000000000$salt${B64[32]}",
        f"pbkdf2_sha256$2000001$salt${B64[32]}",
        f"pbkdf2_sha256$0$salt${B64[32]}",
        f"pbkdf2_sha256$-5$salt${B64[32]}",
        f"pbkdf2_sha256$1e9$salt${B64[32]}",
        f"pbkdf2_sha256$1000$${B64[32]}",
        f"pbkdf2_sha256$1000$salt${B64[16]}",
        "pbkdf2_sha256$1000$salt$not base64",
        "pbkdf2_sha256$1000$salt",
        f"pbkdf2_sha1$1000000000$salt${B64[32]}",
        f"scrypt$1073741824$salt$8$1${B64[64]}",
        f"scrypt$16384$salt$8$1000000${B64[64]}",
        f"scrypt$16383$salt$8$1${B64[64]}",
        f"argon2$argon2id$v=19$m=4194304,t=1,p=1${B64[16].rstrip('=')}${B64[32].rstrip('=')}",
        f"$argon2id$v=19$m=65536,t=1000000,p=1${B64[16].rstrip('=')}${B64[32].rstrip('=')}",
        f"$argon2id$v=19$m=65536,t=1,p=4096${B64[16].rstrip('=')}${B64[32].rstrip('=')}",
        f"$argon2id$v=19$m=65536,t=1,p=1${B64[16].rstrip('=')}$",
        "$argon2id$nonsense",
        "$2b$31$" + "a" * 53,
        "$2b$15$" + "a" * 53,
        "bcrypt_sha256$$2b$18$" + "a" * 53,
        "$2b$12$" + "a" * 52,
        "$2x$12$" + "a" * 53,
        f"keycloak_pbkdf2_sha256$1000000000${B64[16]}${B64[32]}",
        f"firebase_scrypt$40$8${B64[16]}${B64[32]}",
        f"firebase_scrypt$20$8${B64[16]}${B64[32]}",
        "md5$salt$0123456789abcdef0123456789abcdef",
        "0123456789abcdef0123456789abcdef",
        "plaintext",
        "!unusable",
        "",
        "$",
        f"pbkdf2_sha256$1000${'s' * 100}${B64[32]}",
        f"pbkdf2_sha256$1000$sält${B64[32]}",
        f"pbkdf2_sha256$1000$sa\x00lt${B64[32]}",
    ],
)
def test_a_broken_or_too_expensive_hash_is_refused_unhashed(text, monkeypatch):
    hashed = []
    monkeypatch.setattr(hashlib, "pbkdf2_hmac", hashed.append)
    monkeypatch.setattr(hashlib, "scrypt", hashed.append)
    monkeypatch.setattr(bcrypt_sha256.bcrypt, "hashpw", hashed.append)
    with pytest.raises(UnacceptableHashError):
        formats.encoded(text)
    assert hashed == []


@pytest.mark.parametrize(
    ("credential", "secret"),
    [
        ({"hashIterations": 10**9, "algorithm": "pbkdf2-sha256"}, {"value": B64[64], "salt": B64[16]}),
        ({"hashIterations": 1, "algorithm": "pbkdf2-sha3"}, {"value": B64[64], "salt": B64[16]}),
        ({"hashIterations": 1, "algorithm": ["pbkdf2"]}, {"value": B64[64], "salt": B64[16]}),
        ({"algorithm": "pbkdf2-sha256"}, {"value": B64[64], "salt": B64[16]}),
        ({"hashIterations": 1, "algorithm": "pbkdf2-sha256"}, {"value": "?", "salt": B64[16]}),
        ({"hashIterations": 1, "algorithm": "pbkdf2-sha256"}, {"value": B64[16], "salt": B64[16]}),
        ({"hashIterations": 1, "algorithm": "pbkdf2-sha256"}, {"value": 5, "salt": None}),
        ({"hashIterations": 1, "algorithm": "argon2"}, {"value": B64[32], "salt": B64[16]}),
        ({"hashIterations": 1, "algorithm": "argon2", "additionalParameters": {"type": []}}, {"value": "", "salt": ""}),
    ],
)
def test_a_broken_or_too_expensive_credential_of_keycloak_is_refused(credential, secret):
    with pytest.raises(UnacceptableHashError):
        formats.encoded_keycloak(credential, secret)

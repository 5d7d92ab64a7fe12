"""Hashes that other products made verify, are replaced at the first sign-in, and have bounds."""

import base64
import hashlib
import unicodedata

import pytest
from django.contrib.auth import hashers as django_hashers
from django.contrib.auth.hashers import identify_hasher

from accounts.models import PasswordHistory, User
from accounts.services.passwords import passwords
from accounts.services.passwords.hashers import bcrypt_sha256, formats, imported
from accounts.services.passwords.hashers.bcrypt_sha256 import UnacceptableHashError
from conftest import PASSWORD

pytestmark = pytest.mark.django_db
B64 = {n: base64.b64encode(bytes(n)).decode() for n in (16, 32, 64)}


def django_hash(name, *args):
    return getattr(django_hashers, name)().encode(PASSWORD, *args)


def keycloak(algorithm, iterations=1000, size=64, salt=b"\x00\xff0123456789abcd"):
    digest = {"pbkdf2": "sha1", "pbkdf2-sha256": "sha256", "pbkdf2-sha512": "sha512"}[algorithm]
    derived = hashlib.pbkdf2_hmac(digest, PASSWORD.encode(), salt, iterations, size)
    return formats.encoded_keycloak(
        {"hashIterations": iterations, "algorithm": algorithm, "additionalParameters": {}},
        {"value": base64.b64encode(derived).decode(), "salt": base64.b64encode(salt).decode()},
    )


def keycloak_argon2():
    # Keycloak 26: hashLength 32, memory 7168, type id, version 1.3, parallelism 1, five passes.
    from argon2.low_level import Type, hash_secret_raw

    salt = bytes(range(16))
    derived = hash_secret_raw(PASSWORD.encode(), salt, 5, 7168, 1, 32, Type.ID)
    parameters = {"hashLength": ["32"], "memory": ["7168"], "type": ["id"], "version": ["1.3"], "parallelism": ["1"]}
    return formats.encoded_keycloak(
        {"hashIterations": 5, "algorithm": "argon2", "additionalParameters": parameters},
        {"value": base64.b64encode(derived).decode(), "salt": base64.b64encode(salt).decode()},
    )


def bare_bcrypt(prefix=b"2b", password=PASSWORD):
    import bcrypt

    return bcrypt.hashpw(password.encode()[:72], bcrypt.gensalt(4)).decode().replace("$2b$", f"${prefix.decode()}$")


def argon2_of_pwdlib():
    from argon2 import PasswordHasher

    return PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1).hash(PASSWORD)


FOREIGN = {
    "pbkdf2_sha256": lambda: django_hash("PBKDF2PasswordHasher", "salt", 1000),
    "pbkdf2_sha1": lambda: django_hash("PBKDF2SHA1PasswordHasher", "salt", 1000),
    "argon2": argon2_of_pwdlib,
    "scrypt": lambda: django_hash("ScryptPasswordHasher", "salt", 1024),
    "bcrypt": lambda: "bcrypt$" + bare_bcrypt(),
    "bare bcrypt": bare_bcrypt,
    "bcrypt of PHP": lambda: bare_bcrypt(b"2y"),
    "keycloak_pbkdf2_sha256": lambda: keycloak("pbkdf2-sha256"),
    "keycloak_pbkdf2_sha512": lambda: keycloak("pbkdf2-sha512"),
    "keycloak_pbkdf2_sha1": lambda: keycloak("pbkdf2"),
    "keycloak argon2": keycloak_argon2,
}


def with_hash(user, text):
    encoded = formats.encoded(text)
    User.objects.filter(pk=user.pk).update(password=encoded)
    return encoded


@pytest.mark.parametrize("form", FOREIGN)
def test_a_foreign_hash_signs_in_once_and_is_replaced(user, api, sign_in, form):
    before = with_hash(user, FOREIGN[form]())
    wrong = api.post("/api/v1/auth/login/", {"email": user.email, "password": "Wrong-Guess-1!"})
    assert wrong.json()["code"] == "invalid_credentials"
    user.refresh_from_db()
    assert user.password == before
    assert sign_in()["user"]["email"] == user.email
    user.refresh_from_db()
    assert user.password.startswith("bcrypt_sha256$$2b$04$")
    assert sign_in()


def test_a_bcrypt_sha256_hash_of_django_with_other_rounds_is_replaced(user, sign_in, settings):
    settings.BCRYPT_ROUNDS = 5
    encoded = passwords.hash_password(PASSWORD)
    settings.BCRYPT_ROUNDS = 4
    with_hash(user, encoded)
    sign_in()
    user.refresh_from_db()
    assert user.password.startswith("bcrypt_sha256$$2b$04$")


FIREBASE_SIGNER = "jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA=="
FIREBASE_HASH = "lSrfV15cpx95/sZS2W9c9Kp6i/LVgQNDNC/qzrCnh1SAyZvqmZqAjTdn3aoItz+VHjoZilo78198JAdRuid5lQ=="


def test_the_example_of_firebases_own_scrypt_verifies():
    """From the README of github.com/firebase/scrypt: salt, separator, 8 rounds, mem_cost 14."""
    salt = base64.b64encode(base64.b64decode("42xEC+ixf3L2lw==") + base64.b64decode("Bw==")).decode()
    pairs = zip(base64.b64decode(FIREBASE_HASH), base64.b64decode(FIREBASE_SIGNER), strict=True)
    stream = base64.b64encode(bytes(one ^ other for one, other in pairs)[:32]).decode()
    encoded = formats.encoded(f"firebase_scrypt$14$8${salt}${stream}")
    assert identify_hasher(encoded).verify("user1password", encoded)
    assert not identify_hasher(encoded).verify("user2password", encoded)


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


def test_plain_bcrypt_compares_72_bytes_and_its_successor_all(user, api):
    long = PASSWORD + "x" * 80
    with_hash(user, bare_bcrypt(password=long))
    login = {"email": user.email, "password": long}
    assert api.post("/api/v1/auth/login/", login).status_code == 200
    assert api.post("/api/v1/auth/login/", {**login, "password": long[:72]}).status_code == 401
    assert api.post("/api/v1/auth/login/", login).status_code == 200


def test_a_foreign_hash_of_a_decomposed_password_matches_as_typed(user, api):
    composed = "Gärten-Küche-2026!"
    typed = unicodedata.normalize("NFD", composed)
    with_hash(user, bare_bcrypt(password=typed))
    assert api.post("/api/v1/auth/login/", {"email": user.email, "password": typed}).status_code == 200
    assert api.post("/api/v1/auth/login/", {"email": user.email, "password": composed}).status_code == 200


def test_a_replaced_foreign_hash_is_remembered_as_a_former_password(user, api, sign_in):
    encoded = with_hash(user, FOREIGN["pbkdf2_sha256"]())
    api.credentials(HTTP_AUTHORIZATION=f"Bearer {sign_in()['access']}")
    User.objects.filter(pk=user.pk).update(password=encoded)
    change = {"current_password": PASSWORD, "new_password": "Other-Kitchen-77?"}
    assert api.post("/api/v1/auth/password/change/", change).status_code == 204
    assert PasswordHistory.objects.filter(user=user).count() == 1
    back = {"current_password": "Other-Kitchen-77?", "new_password": PASSWORD}
    assert api.post("/api/v1/auth/password/change/", back).json()["code"] == "password_reused"


@pytest.mark.once
@pytest.mark.parametrize("form", ["pbkdf2_sha256", "bcrypt", "keycloak_pbkdf2_sha512"])
def test_a_wrong_password_for_an_imported_hash_costs_the_rest_of_ours(user, monkeypatch, form):
    spent = []
    monkeypatch.setattr(imported, "equalize_time", spent.append)
    with_hash(user, FOREIGN[form]())
    user.refresh_from_db()
    assert not passwords.matches(user, "Wrong-Guess-1!")
    assert len(spent) == 1
    assert spent[0] > 0
    assert passwords.matches(user, PASSWORD)
    assert len(spent) == 1


@pytest.mark.once
@pytest.mark.parametrize("spent_share", [0, 0.3, 0.9])
def test_the_rest_of_a_hash_takes_what_the_cheaper_hash_did_not(settings, monkeypatch, spent_share):
    settings.BCRYPT_ROUNDS = 12
    whole = bcrypt_sha256._seconds(12)
    rounds = []
    monkeypatch.setattr(bcrypt_sha256.bcrypt, "hashpw", lambda password, salt: rounds.append(int(salt.split(b"$")[2])))
    bcrypt_sha256.equalize_time(spent_share * whole)
    hashed = sum(bcrypt_sha256._seconds(number) for number in rounds)
    assert 0.99 * whole < spent_share * whole + hashed <= whole

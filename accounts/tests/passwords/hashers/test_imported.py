"""Hashes that other products made verify, are replaced at the first sign-in, and have bounds."""

import base64
import hashlib
import unicodedata

import pytest
from django.contrib.auth import hashers as django_hashers

from accounts.models import PasswordHistory, User
from accounts.services.passwords import passwords
from accounts.services.passwords.hashers import formats, imported
from conftest import PASSWORD

pytestmark = pytest.mark.django_db


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

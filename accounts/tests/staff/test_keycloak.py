"""Users of a realm of Keycloak are read with their credentials, each broken one alone refused."""

import io
import json
from base64 import b64encode

import pytest

from accounts.services.staff import keycloak
from foodfleet.core.exceptions import ValidationException

pytestmark = pytest.mark.once


def read(*users):
    return list(keycloak.read(io.BytesIO(json.dumps({"realm": "food", "users": users}).encode())))


def credential(kind, data, secret):
    return {"type": kind, "credentialData": json.dumps(data), "secretData": json.dumps(secret)}


def otp(**changes):
    data = {"subType": "totp", "algorithm": "HmacSHA1", "digits": 6, "period": 30, **changes}
    return credential("otp", data, {"value": "secret-of-the-app"})


PASSWORD = credential(
    "password",
    {"hashIterations": 1000, "algorithm": "pbkdf2-sha256"},
    {"value": b64encode(bytes(64)).decode(), "salt": b64encode(bytes(16)).decode()},
)


def test_a_user_is_read_with_everything_that_we_have_too():
    attributes = {"phoneNumber": ["+49 170 1234567"], "phoneNumberVerified": ["true"], "locale": ["DE"], "other": ["x"]}
    (row,) = read(
        {
            "username": "ann", "email": "Ann@Example.com", "firstName": "Ann", "lastName": "Lee", "emailVerified": True,
            "enabled": False, "createdTimestamp": 1700000000000, "attributes": attributes,
            "requiredActions": ["UPDATE_PASSWORD"], "realmRoles": ["offline_access", "default-roles-food", "Driver"],
            "credentials": [PASSWORD, otp()],
        }
    )  # fmt: skip
    assert row.problems == []
    found = row.values
    assert (found["email"], found["first_name"], found["last_name"]) == ("ann@example.com", "Ann", "Lee")
    assert (found["phone"], found["phone_verified"], found["language"]) == ("+491701234567", True, "de")
    assert (found["email_verified"], found["is_active"], found["must_change_password"]) == (True, False, True)
    assert [role.name for role in found["roles"]] == ["Driver"]
    assert found["created_at"].year == 2023
    assert found["password_hash"].startswith("keycloak_pbkdf2_sha256$1000$")
    assert found["totp_secret"]


def test_a_user_without_an_address_is_known_by_the_username():
    (row,) = read({"username": "bob@example.com", "attributes": {"locale": ["tlh"]}})
    assert (row.values["email"], row.values["language"], row.values["is_active"]) == ("bob@example.com", "", True)


@pytest.mark.parametrize(
    ("user", "words"),
    [
        ("ann", "not a user"),
        ({"credentials": [otp(algorithm="HmacSHA256")]}, "not TOTP with SHA-1"),
        ({"credentials": [otp(digits=8)]}, "not TOTP with SHA-1"),
        ({"credentials": [{"type": "password", "credentialData": "{", "secretData": "{}"}]}, "cannot be read"),
        ({"credentials": [credential("password", {"algorithm": "md5"}, {})]}, "unknown form"),
    ],
)
def test_a_broken_user_is_refused_alone_and_without_a_value(user, words):
    broken, fine = read(user, {"email": "bob@example.com"})
    assert ([problem.field for problem in broken.problems], fine.problems) == (["credentials"], [])
    assert words in broken.problems[0].message
    assert (broken.line, fine.line, fine.values["email"]) == (1, 2, "bob@example.com")


@pytest.mark.parametrize("milliseconds", [10**30, -(10**30)])
def test_an_impossible_time_is_a_problem_of_its_column(milliseconds):
    (row,) = read({"email": "ann@example.com", "createdTimestamp": milliseconds})
    assert [problem.field for problem in row.problems] == ["created_at"]


@pytest.mark.parametrize("content", [b"", b"[]", b'{"users": 1}', b'{"users": [{"email": "a@b.example"}'])
def test_a_file_that_is_no_realm_is_refused_before_the_first_row(content):
    with pytest.raises(ValidationException) as refused:
        keycloak.read(io.BytesIO(content))
    assert list(refused.value.details) == ["file"]

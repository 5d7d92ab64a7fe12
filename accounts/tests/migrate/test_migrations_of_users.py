"""People from other products sign in with their passwords after an import of data that the real library made."""

import csv
import io
import json
from base64 import b32encode
from pathlib import Path

import pyotp
import pytest
from django.core.management import CommandError, call_command

from accounts.models import SecurityEvent, TOTPDevice, User
from accounts.tests.migrate.make_keycloak import OTP_SECRET
from rbac.models import RoleAssignment

pytestmark = pytest.mark.django_db

DATA = Path(__file__).parent
PASSWORD = "Grill-Fleet-2026!"
LOGIN = "/api/v1/auth/login/"


@pytest.fixture
def load(tmp_path):
    """Import a file of this folder; answers the summary and what was refused."""

    def call(name, *options):
        report, out = tmp_path / "report.csv", io.StringIO()
        call_command("import_users", str(DATA / name), "--errors", str(report), *options, stdout=out)
        return out.getvalue().strip(), list(csv.reader(report.read_text().splitlines()))[1:]

    return call


def sign_in(api, email):
    """The status, and the algorithm of the hash before and after."""
    before = User.objects.get(email=email).password
    response = api.post(LOGIN, {"email": email, "password": PASSWORD})
    after = User.objects.get(email=email).password
    return response.status_code, before.split("$")[0], after.split("$")[0]


def wrong(api, email):
    return api.post(LOGIN, {"email": email, "password": "Wrong-Guess-1!"}).status_code


def test_people_of_djoser_sign_in_with_any_hasher_of_django(load, api):
    assert load("djoser.csv") == ("6 lines: 6 created, 0 already there, 0 rejected.", [])
    for name in ("pbkdf2", "sha1", "argon2", "scrypt", "bcrypt", "bcrypt-sha256"):
        email = f"{name}@djoser.example"
        assert wrong(api, email) == 401
        status, before, after = sign_in(api, email)
        assert (status, after) == (200, "bcrypt_sha256")
        assert before == {"pbkdf2": "pbkdf2_sha256", "sha1": "pbkdf2_sha1", "bcrypt-sha256": "bcrypt_sha256"}.get(
            name, name
        )
    assert RoleAssignment.objects.get().user.email == "pbkdf2@djoser.example"
    person = User.objects.get(email="pbkdf2@djoser.example")
    assert person.created_at.isoformat().startswith("2026-11-27T07:59:13")
    assert set(SecurityEvent.objects.of(person).values_list("kind", flat=True)) >= {"user_created", "role_granted"}


def test_people_of_allauth_keep_password_state_and_authenticator(load, api):
    assert load("allauth.csv") == ("3 lines: 3 created, 0 already there, 0 rejected.", [])
    assert sign_in(api, "verified@allauth.example") == (200, "pbkdf2_sha256", "bcrypt_sha256")
    unverified = api.post(LOGIN, {"email": "unverified@allauth.example", "password": PASSWORD})
    assert (unverified.status_code, unverified.json()["code"]) == (403, "email_not_verified")
    challenge = api.post(LOGIN, {"email": "with-app@allauth.example", "password": PASSWORD}).json()
    assert challenge["two_factor_required"]
    code = pyotp.TOTP("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP").now()
    answer = {"challenge": challenge["challenge"], "method": "totp", "code": code}
    assert api.post("/api/v1/auth/login/verify/", answer).status_code == 200
    assert "JBSWY" not in TOTPDevice.objects.get().secret


def test_people_of_fastapi_users_sign_in_with_argon2_and_bcrypt(load, api):
    assert load("fastapi_users.csv") == ("3 lines: 3 created, 0 already there, 0 rejected.", [])
    assert sign_in(api, "argon2@fastapi.example") == (200, "argon2", "bcrypt_sha256")
    assert sign_in(api, "bcrypt@fastapi.example") == (200, "bcrypt", "bcrypt_sha256")
    assert sign_in(api, "unverified@fastapi.example")[0] == 403


def test_people_of_keycloak_keep_password_roles_and_authenticator(load, api):
    said, refused = load("keycloak_realm.json")
    assert said == "7 lines: 6 created, 0 already there, 1 rejected."
    assert [row[:2] for row in refused] == [["7", "email"]]
    for name in ("sha1", "sha256", "sha512", "argon"):
        assert wrong(api, f"{name}@keycloak.example") == 401
        status, before, after = sign_in(api, f"{name}@keycloak.example")
        assert (status, after) == (200, "bcrypt_sha256")
        assert before == ("argon2" if name == "argon" else f"keycloak_pbkdf2_{name}")
    argon = User.objects.get(email="argon@keycloak.example")
    assert (argon.first_name, argon.language, argon.created_at.year) == ("Argon", "de", 2023)
    assert [one.role.name for one in RoleAssignment.objects.of(argon)] == ["Driver"]
    challenge = api.post(LOGIN, {"email": "app@keycloak.example", "password": PASSWORD}).json()["challenge"]
    code = pyotp.TOTP(b32encode(OTP_SECRET.encode()).decode()).now()
    answer = {"challenge": challenge, "method": "totp", "code": code}
    assert api.post("/api/v1/auth/login/verify/", answer).status_code == 200
    nobody = User.objects.get(email="none@keycloak.example")
    assert not nobody.is_active
    assert nobody.must_change_password
    assert not nobody.has_usable_password()


@pytest.mark.parametrize("text", ['{"realm": "fleet"}', '{"users": [{}', '{"users": {}}', '{"users": [1,]}'])
def test_a_file_that_is_no_realm_is_refused_before_anything_is_made(load, tmp_path, text):
    path = tmp_path / "realm.json"
    path.write_text(text)
    with pytest.raises(CommandError, match="not the JSON of a Keycloak realm"):
        load(path)
    assert not User.objects.exists()


def test_a_broken_user_of_a_realm_is_refused_alone(load, tmp_path):
    fine = json.loads((DATA / "keycloak_realm.json").read_text())["users"][1]
    dear = json.dumps({"hashIterations": 10**9, "algorithm": "pbkdf2-sha256"})
    otp = {"type": "otp", "secretData": '{"value": "x"}', "credentialData": '{"subType": "hotp"}'}
    broken = [
        7, {}, {**fine, "credentials": [{**fine["credentials"][0], "credentialData": dear}]},
        {**fine, "credentials": [{"type": "password", "secretData": "[", "credentialData": 5}]},
        {**fine, "credentials": [otp]}, {**fine, "email": "\ud800@example.com"}, {**fine, "firstName": "\ud800"},
        {**fine, "createdTimestamp": 10**30}, {**fine, "realmRoles": ["Pirate"]}, {**fine, "credentials": 5}, fine,
    ]  # fmt: skip
    path = tmp_path / "realm.json"
    path.write_text(json.dumps({"users": broken}))
    said, refused = load(path)
    assert said == "11 lines: 1 created, 0 already there, 10 rejected."
    assert [int(row[0]) for row in refused[:5]] == [1, 2, 3, 4, 5]
    assert "1000000000" not in str(refused)

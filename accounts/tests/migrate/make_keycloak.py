"""Makes keycloak_realm.json: a realm in the form of `kc.sh export --users realm_file` (Keycloak 26).

Keycloak itself needs Java; the hashes follow its Pbkdf2PasswordHashProvider and Argon2PasswordHashProvider.

    pip install argon2-cffi
    python make_keycloak.py
"""

import hashlib
import json
from base64 import b64encode
from pathlib import Path

from argon2.low_level import Type, hash_secret_raw

PASSWORD = "Grill-Fleet-2026!"
OTP_SECRET = "m7q2X9cL4vB1nZ8kT5wR"  # Keycloak keeps the text whose bytes are the key
ARGON2 = {"hashLength": ["32"], "memory": ["7168"], "type": ["id"], "version": ["1.3"], "parallelism": ["1"]}
DIGESTS = {"pbkdf2": "sha1", "pbkdf2-sha256": "sha256", "pbkdf2-sha512": "sha512"}


def credential(kind, data, secret):
    return {
        "type": kind,
        "createdDate": 1700000000000,
        "secretData": json.dumps(secret),
        "credentialData": json.dumps(data),
    }


def password(algorithm, rounds, salt, parameters=None):
    if algorithm == "argon2":
        value = hash_secret_raw(PASSWORD.encode(), salt, rounds, 7168, 1, 32, Type.ID)
    else:
        value = hashlib.pbkdf2_hmac(DIGESTS[algorithm], PASSWORD.encode(), salt, rounds, 64)
    return credential(
        "password",
        {"hashIterations": rounds, "algorithm": algorithm, "additionalParameters": parameters or {}},
        {"value": b64encode(value).decode(), "salt": b64encode(salt).decode(), "additionalParameters": {}},
    )


def user(name, *credentials, **fields):
    return {
        "id": f"00000000-0000-4000-8000-{len(name):012}",
        "createdTimestamp": 1700000000000,
        "username": name,
        "email": f"{name}@keycloak.example",
        "enabled": True,
        "emailVerified": True,
        "firstName": name.title(),
        "lastName": "Lee",
        "credentials": list(credentials),
        "disableableCredentialTypes": [],
        "requiredActions": [],
        "realmRoles": ["default-roles-fleet", "Driver"],
        "notBefore": 0,
        "groups": [],
        **fields,
    }


USERS = [
    user("sha1", password("pbkdf2", 20000, b"\x01" * 16)),
    user("sha256", password("pbkdf2-sha256", 27500, b"\x02" * 16)),
    user("sha512", password("pbkdf2-sha512", 210000, bytes(range(240, 256)))),
    user("argon", password("argon2", 5, b"\x04" * 16, ARGON2), attributes={"locale": ["de"], "shift": ["night"]}),
    user(
        "app",
        password("argon2", 5, b"\x05" * 16, ARGON2),
        credential(
            "otp",
            {"subType": "totp", "digits": 6, "counter": 0, "period": 30, "algorithm": "HmacSHA1"},
            {"value": OTP_SECRET},
        ),
    ),
    user("none", enabled=False, emailVerified=False, requiredActions=["UPDATE_PASSWORD"]),
    {"username": "service-account-app", "enabled": True, "serviceAccountClientId": "app", "realmRoles": []},
]
REALM = {
    "id": "fleet",
    "realm": "fleet",
    "accessTokenLifespan": 300,
    "roles": {"realm": [{"name": "Driver"}, {"name": "offline_access"}], "client": {}},
    "users": USERS,
    "clients": [{"clientId": "app"}],
    "keycloakVersion": "26.0.0",
}

if __name__ == "__main__":
    target = Path(__file__).resolve().parent / "keycloak_realm.json"
    target.write_text(json.dumps(REALM, indent=1) + "\n")

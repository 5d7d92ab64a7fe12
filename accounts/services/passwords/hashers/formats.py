"""Conversion of password hashes from the formats of other products to Django's."""

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Any

from django.contrib.auth.hashers import get_hasher

from accounts.models import User
from accounts.services.passwords.hashers import imported
from accounts.services.passwords.hashers.bcrypt_sha256 import UnacceptableHashError

MAX_LENGTH = User._meta.get_field("password").max_length
BCRYPT = re.compile(r"(?:bcrypt\$|bcrypt_sha256\$)?\$2[aby]\$[0-9]{2}\$[./A-Za-z0-9]{53}")
PLAIN = re.compile(r"[\x21-\x7e]+")
KEYCLOAK = {
    "pbkdf2": imported.KeycloakSHA1Hasher(),
    "pbkdf2-sha256": imported.KeycloakSHA256Hasher(),
    "pbkdf2-sha512": imported.KeycloakSHA512Hasher(),
}
ARGON2_VERSIONS = {"1.0": 16, "1.3": 19}


def encoded(text: str) -> str:
    """Convert a hash to Django's format from the formats of Django, bcrypt (`$2b$...`) and Argon2 (`$argon2id$...`).

    Raises UnacceptableHashError for another format, and for a hash that takes more than about a second to verify.
    """
    if text.startswith("$"):
        text = ("argon2" if text.startswith("$argon2") else "bcrypt$") + text
    algorithm = text.partition("$")[0]
    if not PLAIN.fullmatch(text) or (algorithm.startswith("bcrypt") and not BCRYPT.fullmatch(text)):
        raise UnacceptableHashError
    try:
        hasher: Any = get_hasher(algorithm)
        hasher.ensure_acceptable(text)
    except (ValueError, AssertionError, TypeError, LookupError, OverflowError):
        raise UnacceptableHashError from None
    if len(text) > (MAX_LENGTH or 0):
        raise UnacceptableHashError
    return text


def encoded_keycloak(credential: Mapping[str, Any], secret: Mapping[str, Any]) -> str:
    """Convert a password credential of Keycloak to Django's format. Raises UnacceptableHashError.

    credential, secret: the parsed JSON of `credentialData` and `secretData`.
    """
    try:
        value, salt = (base64.b64decode(secret[name], validate=True) for name in ("value", "salt"))
        rounds, algorithm = int(credential["hashIterations"]), credential["algorithm"]
        if algorithm == "argon2":
            return encoded(_argon2(rounds, credential["additionalParameters"], salt, value))
        hasher = KEYCLOAK[algorithm]
    except (KeyError, TypeError, ValueError, LookupError, binascii.Error):
        raise UnacceptableHashError from None
    return encoded(hasher.encoded(rounds, base64.b64encode(salt).decode(), value))


def _argon2(passes: int, parameters: Mapping[str, Any], salt: bytes, value: bytes) -> str:
    """Return a hash in Argon2's own format. Each of Keycloak's parameters is a list of one string."""
    kind, memory, lanes = (str(parameters[name][0]) for name in ("type", "memory", "parallelism"))
    version = ARGON2_VERSIONS[parameters["version"][0]]
    ends = "$".join(base64.b64encode(part).decode().rstrip("=") for part in (salt, value))
    return f"$argon2{kind}$v={version}$m={int(memory)},t={passes},p={int(lanes)}${ends}"

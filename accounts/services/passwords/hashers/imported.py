"""Hashers for hashes that other products made. The next sign-in replaces such a hash by one of BCryptHasher.

They only verify hashes; `PASSWORD_HASHERS` lists them after BCryptHasher. An imported hash is stored in Django's
format, `algorithm$...`. `formats` converts other formats and rejects hashes that take more than about a second to
verify, because anybody who tries to sign in could make the server spend that time.
"""

import base64
import hashlib
from time import perf_counter
from typing import Any

import bcrypt
from django.contrib.auth.hashers import (
    Argon2PasswordHasher,
    BasePasswordHasher,
    BCryptPasswordHasher,
    PBKDF2PasswordHasher,
    PBKDF2SHA1PasswordHasher,
    ScryptPasswordHasher,
)

from accounts.services.passwords.hashers.bcrypt_sha256 import (
    UnacceptableHashError,
    ensure_few_rounds,
    equalize_time,
)

MAX_ITERATIONS = 2_000_000  # of PBKDF2; Django 6.0 uses 1,200,000
MAX_ARGON2_KIBIBYTES = 256 * 1024
MAX_ARGON2_WORK = 1024 * 1024  # KiB times passes; Django's and pwdlib's defaults are a fifth of it
MAX_ARGON2_LANES = 16  # threads
MAX_SCRYPT_MEMORY = 2**20  # n times r, in units of 128 bytes: 128 MiB
MAX_SCRYPT_WORK = 2**21  # n times r times p; Django's default is a third of it
MIN_ARGON2_HASH_BYTES = 16
MIN_ARGON2_SALT_LENGTH = 8  # characters
BCRYPT_BYTES = 72  # of a password; bcrypt ignores the rest


class Imported(BasePasswordHasher):
    """Mixin for the hashers of imported hashes."""

    def verify(self, password: str, encoded: str) -> bool:
        start = perf_counter()
        if super().verify(password, encoded):
            return True
        equalize_time(perf_counter() - start)
        return False

    def must_update(self, encoded: str) -> bool:
        return True

    def harden_runtime(self, password: str, encoded: str) -> None:
        """Do nothing: `verify` equalizes the time."""

    def ensure_acceptable(self, encoded: str) -> None:
        """Raise UnacceptableHashError for a malformed or expensive hash. `decode` may raise ValueError too."""
        _ensure(self.is_cheap(self.decode(encoded)))

    def is_cheap(self, decoded: dict[str, Any]) -> bool:
        """Return whether a hash, as `decode` returns it, takes at most about a second to verify."""
        raise NotImplementedError


class PBKDF2SHA256Hasher(Imported, PBKDF2PasswordHasher):
    """PBKDF2 with SHA-256, Django's default."""

    hash_bytes = 32

    def is_cheap(self, decoded: dict[str, Any]) -> bool:
        size = len(base64.b64decode(decoded["hash"], validate=True))
        return bool(decoded["salt"] and size == self.hash_bytes) and _is_few(decoded["iterations"])


class PBKDF2SHA1Hasher(PBKDF2SHA256Hasher, PBKDF2SHA1PasswordHasher):
    """PBKDF2 with SHA-1 of Django."""

    algorithm = PBKDF2SHA1PasswordHasher.algorithm
    digest = PBKDF2SHA1PasswordHasher.digest
    hash_bytes = 20


class KeycloakSHA256Hasher(Imported, PBKDF2PasswordHasher):
    """Keycloak's `pbkdf2-sha256`: the salt is bytes, stored as base64.

    Keycloak derives 64 bytes. Only the first 32 are stored: they are equal to a derivation of 32 bytes (RFC 8018, 5.2).
    """

    algorithm = "keycloak_pbkdf2_sha256"
    digest_name = "sha256"
    hash_bytes = 32

    def encode(self, password: str, salt: str, iterations: int | None = None) -> str:
        rounds = iterations or self.iterations
        derived = hashlib.pbkdf2_hmac(
            self.digest_name, password.encode(), base64.b64decode(salt), rounds, self.hash_bytes
        )
        return self.encoded(rounds, salt, derived)

    def encoded(self, iterations: int, salt: str, derived: bytes) -> str:
        """Return the hash in Django's format. salt: in base64. derived: the bytes that Keycloak stores."""
        stored = base64.b64encode(derived[: self.hash_bytes]).decode()
        return f"{self.algorithm}${iterations}${salt}${stored}"

    def is_cheap(self, decoded: dict[str, Any]) -> bool:
        size = len(base64.b64decode(decoded["hash"], validate=True))
        has_salt = bool(base64.b64decode(decoded["salt"], validate=True))
        return has_salt and size == self.hash_bytes and _is_few(decoded["iterations"])


class KeycloakSHA512Hasher(KeycloakSHA256Hasher):
    """Keycloak's `pbkdf2-sha512`."""

    algorithm = "keycloak_pbkdf2_sha512"
    digest_name = "sha512"


class KeycloakSHA1Hasher(KeycloakSHA256Hasher):
    """Keycloak's `pbkdf2`."""

    algorithm = "keycloak_pbkdf2_sha1"
    digest_name = "sha1"
    hash_bytes = 20


class Argon2Hasher(Imported, Argon2PasswordHasher):
    """Argon2 of Django, pwdlib (fastapi-users), passlib and Keycloak."""

    def is_cheap(self, decoded: dict[str, Any]) -> bool:
        memory, passes, lanes = decoded["memory_cost"], decoded["time_cost"], decoded["parallelism"]
        is_small = 0 < memory <= MAX_ARGON2_KIBIBYTES and 0 < memory * passes <= MAX_ARGON2_WORK
        size = len(base64.b64decode(decoded["hash"] + "=" * (-len(decoded["hash"]) % 4), validate=True))
        is_long = size >= MIN_ARGON2_HASH_BYTES and len(decoded["salt"]) >= MIN_ARGON2_SALT_LENGTH
        return is_small and 0 < lanes <= MAX_ARGON2_LANES and is_long


class ScryptHasher(Imported, ScryptPasswordHasher):
    """Django's scrypt."""

    maxmem = 2 * 128 * MAX_SCRYPT_MEMORY

    def is_cheap(self, decoded: dict[str, Any]) -> bool:
        n, r, p = decoded["work_factor"], decoded["block_size"], decoded["parallelism"]
        size = len(base64.b64decode(decoded["hash"], validate=True))
        return bool(decoded["salt"] and size == 64) and is_cheap_scrypt(n, r, p)


class PlainBCryptHasher(Imported, BCryptPasswordHasher):
    """bcrypt of the password itself. It uses only the first 72 bytes, as the products that made such hashes did."""

    def encode(self, password: str, salt: bytes) -> str:  # type: ignore[override]
        data = bcrypt.hashpw(password.encode()[:BCRYPT_BYTES], salt)
        return f"{self.algorithm}${data.decode()}"

    def ensure_acceptable(self, encoded: str) -> None:
        ensure_few_rounds(encoded)


def _is_few(iterations: int) -> bool:
    return 0 < iterations <= MAX_ITERATIONS


def is_cheap_scrypt(n: int, r: int, p: int) -> bool:
    """Return whether these parameters of scrypt are valid and take at most about a second."""
    is_valid = n > 1 and n & (n - 1) == 0 and r > 0 and p > 0
    return is_valid and n * r <= MAX_SCRYPT_MEMORY and n * r * p <= MAX_SCRYPT_WORK


def _ensure(is_acceptable: bool) -> None:
    if not is_acceptable:
        raise UnacceptableHashError

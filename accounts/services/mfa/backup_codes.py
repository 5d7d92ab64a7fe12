"""Backup codes: generation and hashing.

A code has 74 bits of entropy, below the 112 from which ASVS 5.0 6.5.2 accepts a plain hash, so each is stored as a
salted bcrypt hash. All codes of a user share one random salt of 128 bits: checking a code takes one slow hash, which is
then looked up, instead of ten.
"""

import secrets

import bcrypt
from django.conf import settings

from foodfleet.core.typed_text import normalize_code

COUNT = 10
ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"  # no 0 and o, no 1, i and l
GROUPS = 3
GROUP_LENGTH = 5
MAX_ROUNDS = 10  # the minimum that ASVS 5.0 asks of bcrypt: ten codes take about as long as three passwords
SALT_LENGTH = 29  # of bcrypt's text form: version, rounds and salt


def new_codes() -> list[str]:
    """Return ten codes such as `k7m2x-9xqpr-4fghn`."""
    return ["-".join(_group() for _ in range(GROUPS)) for _ in range(COUNT)]


def _group() -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(GROUP_LENGTH))


def hashes(codes: list[str]) -> list[str]:
    """Hash codes that were generated together. Takes half a second: never call it inside a transaction."""
    salt = bcrypt.gensalt(min(settings.BCRYPT_ROUNDS, MAX_ROUNDS))
    return [_hash(code, salt) for code in codes]


def hash_like(known: str, code: str) -> str | None:
    """Hash `code` with the salt of the hash `known`; None where it cannot be a code. As slow as one of `hashes`."""
    normal = normalize_code(code)
    if len(normal) != GROUPS * GROUP_LENGTH or not set(normal) <= set(ALPHABET):
        return None
    return _hash(normal, known[:SALT_LENGTH].encode())


def _hash(code: str, salt: bytes) -> str:
    return bcrypt.hashpw(normalize_code(code).encode(), salt).decode()

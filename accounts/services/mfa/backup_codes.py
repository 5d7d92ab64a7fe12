"""Codes for the day on which the phone is lost.

A code has 74 bits, which is less than the 112 from which ASVS 5.0 6.5.2 lets a plain hash do: so each is kept as a
salted bcrypt hash. All codes of a user share one random salt of 128 bits, so checking one takes one slow hash, which is
then looked for, and not ten.
"""

import secrets

import bcrypt
from django.conf import settings

from foodfleet.core.typed_text import normalize_code

COUNT = 10
ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"  # no 0 and o, no 1, i and l
GROUPS = 3
GROUP = 5
MAX_ROUNDS = 10  # what ASVS 5.0 asks of bcrypt at least: making ten takes about as long as hashing three passwords
SALT_LENGTH = 29  # of bcrypt's text: version, rounds and salt


def new_codes() -> list[str]:
    """Ten codes such as `k7m2x-9xqpr-4fghn`."""
    return ["-".join(_word() for _ in range(GROUPS)) for _ in range(COUNT)]


def _word() -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(GROUP))


def hashes(codes: list[str]) -> list[str]:
    """What is kept of codes that are made together. Takes half a second: never call it inside a transaction."""
    salt = bcrypt.gensalt(min(settings.BCRYPT_ROUNDS, MAX_ROUNDS))
    return [_hash(code, salt) for code in codes]


def hash_as(known: str, code: str) -> str | None:
    """The hash of `code` under the salt of the hash `known`; None for what cannot be a code. Slow, as `hashes` is."""
    normal = normalize_code(code)
    if len(normal) != GROUPS * GROUP or not set(normal) <= set(ALPHABET):
        return None
    return _hash(normal, known[:SALT_LENGTH].encode())


def _hash(code: str, salt: bytes) -> str:
    return bcrypt.hashpw(normalize_code(code).encode(), salt).decode()

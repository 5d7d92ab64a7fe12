"""The hasher of new passwords, and limits on the cost of hashes. `imported` has the hashers of other products."""

from functools import lru_cache
from time import perf_counter
from typing import Any

import bcrypt
from django.conf import settings
from django.contrib.auth.hashers import BCryptSHA256PasswordHasher

MAX_ROUNDS = 14  # of an imported bcrypt hash: about a second
MIN_ROUNDS = 4  # of bcrypt itself
MEASURED_ROUNDS = 8  # about 15 ms: enough to estimate the time of more rounds


class UnacceptableHashError(ValueError):
    """A hash cannot be imported, because its format is unknown or it takes too long to verify."""


class BCryptHasher(BCryptSHA256PasswordHasher):
    """bcrypt of the password's SHA-256, because bcrypt ignores everything after byte 72; with BCRYPT_ROUNDS rounds."""

    @property
    def rounds(self) -> int:  # type: ignore[override]
        rounds: Any = settings.BCRYPT_ROUNDS
        return int(rounds)

    def ensure_acceptable(self, encoded: str) -> None:
        """Raise UnacceptableHashError for a hash that takes too long. Another Django project may have made it."""
        ensure_few_rounds(encoded)


def ensure_few_rounds(encoded: str) -> None:
    """Raise UnacceptableHashError for a bcrypt hash, such as `bcrypt$$2b$12$...`, of more than MAX_ROUNDS."""
    if not MIN_ROUNDS <= int(encoded.split("$")[3]) <= MAX_ROUNDS:
        raise UnacceptableHashError


def equalize_time(elapsed: float) -> None:
    """Hash for the time by which a hash of BCRYPT_ROUNDS takes longer than `elapsed` seconds.

    A wrong password for an account with a cheaper imported hash then takes as long as a password for an unknown
    address.
    """
    full = settings.BCRYPT_ROUNDS
    left = _seconds(full) - elapsed
    for rounds in range(full - 1, MIN_ROUNDS - 1, -1):
        if left >= _seconds(rounds):
            bcrypt.hashpw(b"", bcrypt.gensalt(rounds))
            left -= _seconds(rounds)


def _seconds(rounds: int) -> float:
    """Estimate how long bcrypt takes on this machine: each additional round doubles the time."""
    return _measured_seconds() * 2.0 ** (rounds - MEASURED_ROUNDS)


@lru_cache(maxsize=1)
def _measured_seconds() -> float:
    return min(_measure() for _repetition in range(3))


def _measure() -> float:
    start = perf_counter()
    bcrypt.hashpw(b"", bcrypt.gensalt(MEASURED_ROUNDS))
    return perf_counter() - start

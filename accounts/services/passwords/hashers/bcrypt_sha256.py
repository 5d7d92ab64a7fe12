"""The hasher of new passwords, and what a hash may cost. `imported` has those of other products."""

from functools import lru_cache
from time import perf_counter
from typing import Any

import bcrypt
from django.conf import settings
from django.contrib.auth.hashers import BCryptSHA256PasswordHasher

MOST_ROUNDS = 14  # of an imported bcrypt hash: about a second
FEWEST_ROUNDS = 4  # that bcrypt takes
MEASURED_ROUNDS = 8  # some 15 ms: enough to tell what more rounds take


class UnacceptableHashError(ValueError):
    """A hash that is not imported: its form is unknown, or it takes too long to verify."""


class BCryptHasher(BCryptSHA256PasswordHasher):
    """bcrypt of the password's SHA-256, so that nothing after byte 72 is ignored; BCRYPT_ROUNDS rounds (default 12)."""

    @property
    def rounds(self) -> int:  # type: ignore[override]
        rounds: Any = settings.BCRYPT_ROUNDS
        return int(rounds)

    def ensure_acceptable(self, encoded: str) -> None:
        """Raise UnacceptableHashError for a hash that takes too long: Django makes hashes of this algorithm too."""
        ensure_few_rounds(encoded)


def ensure_few_rounds(encoded: str) -> None:
    """Raise UnacceptableHashError for a bcrypt hash, such as `bcrypt$$2b$12$...`, of more than MOST_ROUNDS."""
    if not FEWEST_ROUNDS <= int(encoded.split("$")[3]) <= MOST_ROUNDS:
        raise UnacceptableHashError


def spend_rest_of_hash(elapsed: float) -> None:
    """Hash for as long as a new password's hash takes longer than `elapsed` seconds.

    A wrong password for an account with a cheaper imported hash then takes as long as one for no account at all.
    """
    full = settings.BCRYPT_ROUNDS
    left = _seconds(full) - elapsed
    for rounds in range(full - 1, FEWEST_ROUNDS - 1, -1):
        if left >= _seconds(rounds):
            bcrypt.hashpw(b"", bcrypt.gensalt(rounds))
            left -= _seconds(rounds)


def _seconds(rounds: int) -> float:
    """How long bcrypt takes on this machine: twice as long for each round more."""
    return _seconds_of_measured_rounds() * 2.0 ** (rounds - MEASURED_ROUNDS)


@lru_cache(maxsize=1)
def _seconds_of_measured_rounds() -> float:
    return min(_measured() for _repetition in range(3))


def _measured() -> float:
    began = perf_counter()
    bcrypt.hashpw(b"", bcrypt.gensalt(MEASURED_ROUNDS))
    return perf_counter() - began

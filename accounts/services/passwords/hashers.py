"""The password hasher."""

from typing import Any

from django.conf import settings
from django.contrib.auth.hashers import BCryptSHA256PasswordHasher


class BCryptHasher(BCryptSHA256PasswordHasher):
    """bcrypt of the password's SHA-256, so that nothing after byte 72 is ignored; BCRYPT_ROUNDS rounds (default 12)."""

    @property
    def rounds(self) -> int:  # type: ignore[override]
        rounds: Any = settings.BCRYPT_ROUNDS
        return int(rounds)

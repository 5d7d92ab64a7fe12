"""Lists of passwords that became known in breaches of other sites."""

import hashlib
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotInTime
from typing import Protocol

import structlog
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

logger = structlog.get_logger(__name__)

TIMEOUT = 1.0  # seconds, for the whole of it: name, connection, answer
PREFIX_LENGTH = 5  # hexadecimal digits of the SHA-1 that leave the house, as the range API defines
LONGEST_ANSWER = 1_000_000  # bytes; a range has some 40,000

# A name that does not resolve keeps a thread for longer than any socket's time-out: wait for it elsewhere.
_lookups = ThreadPoolExecutor(max_workers=4, thread_name_prefix="breaches")


class BreachList(Protocol):
    """Knows passwords that became known."""

    def refuse(self, password: str) -> None:
        """Raise ValidationError with code `password_breached` for one that is on the list."""


class NoBreachList:
    """Knows none: PWNED_PASSWORDS_URL is not set."""

    def refuse(self, password: str) -> None:
        """Take every password."""


class PwnedPasswords:
    """The range API of Have I Been Pwned: learns five digits of a SHA-1, never the password.

    Where it does not answer within TIMEOUT the password is taken, with a line in the log: a list that is away must not
    keep people from securing their accounts.
    """

    def __init__(self, url: str, timeout: float = TIMEOUT) -> None:
        self._url = url.rstrip("/")
        self._timeout = timeout

    def refuse(self, password: str) -> None:
        """Raise ValidationError with code `password_breached` for one that is on the list."""
        sha1 = hashlib.sha1(password.encode(), usedforsecurity=False).hexdigest().upper()
        prefix, suffix = sha1[:PREFIX_LENGTH], sha1[PREFIX_LENGTH:]
        try:
            answer = _lookups.submit(self._range, prefix).result(timeout=self._timeout)
        except (OSError, ValueError, NotInTime) as error:
            logger.warning("breach_list_unreachable", problem=type(error).__name__)
            return
        for line in answer.splitlines():
            known, _colon, count = line.partition(":")
            # Padding, which hides how long the answer is, has a count of 0.
            if known.strip().upper() == suffix and count.strip() != "0":
                message = _("This password became known in a breach of another site. Please choose another.")
                raise ValidationError(message, code="password_breached")

    def _range(self, prefix: str) -> str:
        # The address is the operator's own, checked by settings to be http(s).
        request = urllib.request.Request(  # noqa: S310
            f"{self._url}/range/{prefix}", headers={"Add-Padding": "true", "User-Agent": "FoodFleet"}
        )
        with urllib.request.urlopen(request, timeout=self._timeout) as response:  # noqa: S310
            body: bytes = response.read(LONGEST_ANSWER)
        return body.decode("ascii")


def breach_list() -> BreachList:
    """The list that PWNED_PASSWORDS_URL names, or none."""
    return PwnedPasswords(settings.PWNED_PASSWORDS_URL) if settings.PWNED_PASSWORDS_URL else NoBreachList()

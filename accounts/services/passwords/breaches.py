"""Lists of passwords that became known in breaches of other sites."""

import hashlib
import re
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotInTime
from http.client import HTTPException, HTTPResponse, IncompleteRead
from time import monotonic
from typing import Protocol

import structlog
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

logger = structlog.get_logger(__name__)

TIMEOUT = 1.0  # seconds, for the whole of it: name, connection, answer
PREFIX_LENGTH = 5  # hexadecimal digits of the SHA-1 that leave the house, as the range API defines
LONGEST_ANSWER = 1_000_000  # bytes; a range has some 40,000
LINE = re.compile(r"\s*([0-9A-Fa-f]{35})\s*:\s*([0-9]{1,12})\s*", re.ASCII)  # the other 35 digits, and how often

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
        asked = _lookups.submit(self._range, sha1[:PREFIX_LENGTH])
        try:
            known = asked.result(timeout=self._timeout)
        except (OSError, HTTPException, ValueError, NotInTime) as error:
            asked.cancel()
            logger.warning("breach_list_unreachable", problem=type(error).__name__)
            return
        if known.get(sha1[PREFIX_LENGTH:]):
            message = _("This password became known in a breach of another site. Please choose another.")
            raise ValidationError(message, code="password_breached")

    def _range(self, prefix: str) -> dict[str, int]:
        """How often each password whose SHA-1 begins so became known, by the rest of its digits.

        Padding, which hides how long the answer is, has a count of 0.
        """
        # The address is the operator's own, checked by settings to be http(s).
        request = urllib.request.Request(  # noqa: S310
            f"{self._url}/range/{prefix}", headers={"Add-Padding": "true", "User-Agent": "FoodFleet"}
        )
        until = monotonic() + self._timeout
        with urllib.request.urlopen(request, timeout=self._timeout) as response:  # noqa: S310
            lines = _read(response, until).decode("ascii").split("\n")
        found = [LINE.fullmatch(line) for line in lines if line.strip()]
        if None in found:
            raise ValueError("no range of digests")
        return {match[1].upper(): int(match[2]) for match in found if match}


def _read(response: HTTPResponse, until: float) -> bytes:
    """The body; a server that gives it away byte by byte keeps no thread longer than `until`."""
    body = b""
    while piece := response.read1(LONGEST_ANSWER):
        body += piece
        if monotonic() > until or len(body) > LONGEST_ANSWER:
            raise TimeoutError
    if response.length:
        raise IncompleteRead(body, response.length)
    return body


def breach_list() -> BreachList:
    """The list that PWNED_PASSWORDS_URL names, or none."""
    return PwnedPasswords(settings.PWNED_PASSWORDS_URL) if settings.PWNED_PASSWORDS_URL else NoBreachList()

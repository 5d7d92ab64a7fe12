"""Lists of passwords known from data breaches."""

import hashlib
import re
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeoutError
from http.client import HTTPException, HTTPResponse, IncompleteRead
from time import monotonic
from typing import Protocol

import structlog
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

logger = structlog.get_logger(__name__)

TIMEOUT = 1.0  # seconds for DNS, connection and response together
PREFIX_LENGTH = 5  # hexadecimal digits of the SHA-1 that are sent, as the range API defines
MAX_RESPONSE = 1_000_000  # bytes; a typical range has 40,000
LINE = re.compile(r"\s*([0-9A-Fa-f]{35})\s*:\s*([0-9]{1,12})\s*", re.ASCII)  # the other 35 digits and the count

# DNS has no time-out of its own, so the lookup runs in a thread that can be abandoned.
_lookups = ThreadPoolExecutor(max_workers=4, thread_name_prefix="breaches")


class BreachList(Protocol):
    """A list of breached passwords."""

    def check(self, password: str) -> None:
        """Raise ValidationError with code `password_breached` if the password is on the list."""


class NoBreachList:
    """An empty list, for when PWNED_PASSWORDS_URL is not set."""

    def check(self, password: str) -> None:
        """Accept every password."""


class PwnedPasswords:
    """The range API of Have I Been Pwned. It receives five digits of the password's SHA-1, never the password.

    If it does not respond within TIMEOUT, the password is accepted and a warning is logged: an outage of the list must
    not prevent people from changing their password.
    """

    def __init__(self, url: str, timeout: float = TIMEOUT) -> None:
        self._url = url.rstrip("/")
        self._timeout = timeout

    def check(self, password: str) -> None:
        """Raise ValidationError with code `password_breached` if the password is on the list."""
        sha1 = hashlib.sha1(password.encode(), usedforsecurity=False).hexdigest().upper()
        lookup = _lookups.submit(self._range, sha1[:PREFIX_LENGTH])
        try:
            known = lookup.result(timeout=self._timeout)
        except (OSError, HTTPException, ValueError, FutureTimeoutError) as error:
            lookup.cancel()
            logger.warning("breach_list_unreachable", problem=type(error).__name__)
            return
        if known.get(sha1[PREFIX_LENGTH:]):
            message = _("This password is known from a data breach. Choose another.")
            raise ValidationError(message, code="password_breached")

    def _range(self, prefix: str) -> dict[str, int]:
        """Return how often each password whose SHA-1 has this prefix was breached, by the other digits of the SHA-1.

        The API pads the response with entries of count 0, which hides its real length.
        """
        # The URL is set by the operator and checked by settings to be http(s).
        request = urllib.request.Request(  # noqa: S310
            f"{self._url}/range/{prefix}", headers={"Add-Padding": "true", "User-Agent": "FoodFleet"}
        )
        until = monotonic() + self._timeout
        with urllib.request.urlopen(request, timeout=self._timeout) as response:  # noqa: S310
            lines = _read(response, until).decode("ascii").split("\n")
        found = [LINE.fullmatch(line) for line in lines if line.strip()]
        if None in found:
            raise ValueError("not a range of digests")
        return {match[1].upper(): int(match[2]) for match in found if match}


def _read(response: HTTPResponse, until: float) -> bytes:
    """Read the body. Raises TimeoutError after `until`, also for a server that sends it byte by byte."""
    body = b""
    while chunk := response.read1(MAX_RESPONSE):
        body += chunk
        if monotonic() > until or len(body) > MAX_RESPONSE:
            raise TimeoutError
    if response.length:
        raise IncompleteRead(body, response.length)
    return body


def breach_list() -> BreachList:
    """Return the list at PWNED_PASSWORDS_URL, or an empty one."""
    return PwnedPasswords(settings.PWNED_PASSWORDS_URL) if settings.PWNED_PASSWORDS_URL else NoBreachList()

"""Limit the requests of an address, a network or a user: the settings THROTTLE_*.

The narrow limits protect what can be guessed (passwords, codes) or has a cost (e-mails, SMS, hashes). A call with a
token of 256 bits, such as a refresh, has only the wide limit: a whole office may share one address.
"""

from dataclasses import dataclass
from threading import Lock
from time import time
from typing import Any

from django.conf import settings
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from foodfleet.core.cache.rate_limits import Usage, fixed_window
from foodfleet.core.exceptions import ThrottledException
from foodfleet.core.http.clients import Client, address_and_network, client_of

NETWORK_FACTOR = 5  # the limit of a network is this many times that of an address
BATCHES = 100  # of a limit: a process counts the calls of a batch in memory and shares them together
MOST_CALLERS = 20_000  # counted by one process at a time
COUNTED = "foodfleet.counted_call"  # key in the WSGI environ of a call that `count_in_process` has counted


def count(scope: str, client: Client) -> None:
    """Count one request of `client` in `scope`, by address and by network. Raises ThrottledException."""
    rate = settings.THROTTLE_RATES[scope]
    if rate is None:
        return
    limit, seconds = rate
    address, network = address_and_network(client)
    for key, allowed in ((address, limit), (network, limit * NETWORK_FACTOR)):
        counted = fixed_window(f"{scope}:{key}", limit=allowed, seconds=seconds)
        if not counted.allowed:
            raise ThrottledException(counted.retry_after)


class AddressThrottle(BaseThrottle):
    """Limits requests by address and by network: IPv4 address and /24, IPv6 /64 and /48."""

    scope = ""

    def allow_request(self, request: Request, view: Any) -> bool:
        self._wait = 0.0
        try:
            count(self.scope, client_of(request))
        except ThrottledException as error:
            self._wait = error.retry_after
            return False
        return True

    def wait(self) -> float:
        return self._wait


class UserThrottle(BaseThrottle):
    """Limits API calls by user or, for anonymous callers, by address."""

    def allow_request(self, request: Request, view: Any) -> bool:
        self._wait = 0.0
        rate = settings.THROTTLE_RATES["user"]
        if rate is None or COUNTED in request.META:
            return True
        user = request.user
        key = _user_key(user.pk) if user.is_authenticated else f"user:{address_and_network(client_of(request))[0]}"
        counted = count_in_batches(key, *rate)
        self._wait = counted.retry_after
        return counted.allowed

    def wait(self) -> float:
        return self._wait


@dataclass
class _Local:
    """The calls of one caller in one window that this process has counted and not shared yet."""

    window: int
    calls: int = 0
    is_full: bool = False


_local: dict[str, _Local] = {}
_lock = Lock()


def count_in_batches(key: str, limit: int, seconds: int) -> Usage:
    """Count one call of `key` in the current window of `seconds`.

    A process shares its count after each hundredth of the limit, so that most calls need no round trip. Each process
    may therefore allow up to 1 % more than `limit`. Limits below 200 are counted exactly.
    """
    batch = max(1, limit // BATCHES)
    now = time()
    if batch == 1:
        return fixed_window(key, limit=limit, seconds=seconds, now=now)
    with _lock:
        local = _local_count(key, int(now // seconds))
        if local.is_full:
            return Usage(allowed=False, retry_after=(local.window + 1) * seconds - now)
        local.calls += 1
        if local.calls < batch:
            return Usage(allowed=True, retry_after=0.0)
        local.calls = 0
    shared = fixed_window(key, limit=limit // batch, seconds=seconds, now=now)
    local.is_full = not shared.allowed
    return shared


def count_in_process(user_id: int) -> bool:
    """Count one call of a user in memory and return True, unless the shared count must be updated.

    If it returns False the call is not counted, and UserThrottle must count it.
    """
    rate = settings.THROTTLE_RATES["user"]
    if rate is None:
        return True
    limit, seconds = rate
    with _lock:
        local = _local_count(_user_key(user_id), int(time() // seconds))
        if local.is_full or local.calls + 1 >= limit // BATCHES:
            return False
        local.calls += 1
    return True


def _user_key(user_id: int) -> str:
    return f"user:u{user_id}"


def _local_count(key: str, window: int) -> _Local:
    found = _local.get(key)
    if found is None or found.window != window:
        if len(_local) >= MOST_CALLERS:
            _local.clear()
        found = _local[key] = _Local(window)
    return found

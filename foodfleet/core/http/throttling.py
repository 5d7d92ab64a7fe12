"""Limit the requests of an address, a network or a user: THROTTLE_* of the environment.

The narrow limits protect what can be guessed (passwords, codes) or has a cost (mails, SMS, hashes). A call with a token
of 256 bits, such as a refresh, has only the wide limit: a whole office may share one address.
"""

from typing import Any

from django.conf import settings
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from foodfleet.core.cache.rate_limits import fixed_window
from foodfleet.core.exceptions import ThrottledException
from foodfleet.core.http.clients import Client, address_and_network, client_of

NETWORK_FACTOR = 5  # the limit of a network is this many times that of an address


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
    """Counts by address and by network (IPv4 /24; IPv6: /64 is one address, /48 the network)."""

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


class LoginThrottle(AddressThrottle):
    """Guessing passwords."""

    scope = "login"


class RegisterThrottle(AddressThrottle):
    """Registration."""

    scope = "register"


class ForgotThrottle(AddressThrottle):
    """Calls that send a mail or an SMS to an address that anybody may enter."""

    scope = "forgot"


class SecondFactorThrottle(AddressThrottle):
    """Second factors."""

    scope = "2fa"


class UserThrottle(BaseThrottle):
    """Every call of the API, by user or, for anonymous callers, by address."""

    def allow_request(self, request: Request, view: Any) -> bool:
        self._wait = 0.0
        rate = settings.THROTTLE_RATES["user"]
        if rate is None:
            return True
        limit, seconds = rate
        caller = f"u{request.user.pk}" if request.user.is_authenticated else address_and_network(client_of(request))[0]
        counted = fixed_window(f"user:{caller}", limit=limit, seconds=seconds)
        self._wait = counted.retry_after
        return counted.allowed

    def wait(self) -> float:
        return self._wait

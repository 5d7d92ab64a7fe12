"""Who is calling, as services get to know it: values, no request."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Client:
    """The program or browser at the other end.

    `ip` is the address that TRUSTED_PROXIES vouch for; `device_name` is what the client calls itself, if it does.
    """

    ip: str = ""
    user_agent: str = ""
    device_name: str = ""
    request_id: str = ""


def client_of(request: Any) -> Client:
    """The client of a Django or REST framework request, as ClientMiddleware found it."""
    client: Client = request.client
    return client

"""Post webhooks with signatures of Standard Webhooks (https://www.standardwebhooks.com)."""

import contextlib
import http.client
import socket
import ssl
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from threading import Timer
from time import monotonic
from typing import Protocol
from urllib.parse import urlsplit, urlunsplit

import standardwebhooks
from django.utils import timezone

from notifications.gateways import slots
from notifications.gateways.webhooks import addresses

CONNECT_SECONDS = 5.0  # for each address
READ_SECONDS = 10.0  # of silence
TOTAL_SECONDS = 15.0  # for connection, request and response together, also if a receiver sends single bytes
MAX_BYTES = 64 * 1024  # of the response, whose body is ignored
SECRET_PREFIX = "whsec_"
USER_AGENT = "FoodFleet-Webhooks/1.0"


@dataclass(frozen=True)
class Webhook:
    """A webhook to post. secrets: two while a rotated secret is still valid."""

    id: str
    url: str
    body: str
    secrets: Sequence[str] = field(repr=False)


@dataclass(frozen=True)
class WebhookResult:
    """The result of a request. status: None if there was no response; `error` has the reason."""

    status: int | None
    milliseconds: int
    error: str = ""


class WebhookGateway(Protocol):
    """Posts webhooks."""

    def post(self, webhook: Webhook) -> WebhookResult:
        """Post a webhook and return the result, also of a failure."""


class HttpWebhookGateway:
    """Posts over HTTP(S) and follows no redirects. Connects to the checked IP address, without a second DNS lookup."""

    def post(self, webhook: Webhook) -> WebhookResult:
        """Post a webhook. Raises slots.PermitExpiredError."""
        slots.acquire()
        began, status, error = monotonic(), None, ""
        try:
            status = _post(webhook, until=began + TOTAL_SECONDS)
        except addresses.PrivateAddressError:
            error = "The host has an address in a private network."
        except addresses.UnresolvableError:
            error = "The name of the host has no address."
        except ssl.SSLCertVerificationError as problem:
            error = f"The certificate of the host is not valid: {problem.verify_message}."
        except ConnectionRefusedError:
            error = "The connection was refused."
        except TimeoutError:
            error = "The receiver did not answer in time."
        except (OSError, ValueError, http.client.HTTPException) as problem:
            is_late = monotonic() >= began + TOTAL_SECONDS
            error = "The receiver did not answer in time." if is_late else f"No response ({type(problem).__name__})."
        return WebhookResult(status, round((monotonic() - began) * 1000), error)


def signed_headers(webhook: Webhook, now: datetime) -> dict[str, str]:
    """Return the headers of Standard Webhooks: id, time, and a signature by each secret."""
    signatures = (standardwebhooks.Webhook(secret).sign(webhook.id, now, webhook.body) for secret in webhook.secrets)
    return {
        "webhook-id": webhook.id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": " ".join(signatures),
    }


def _post(webhook: Webhook, until: float) -> int:
    parts = urlsplit(webhook.url)
    host, is_secure = parts.hostname or "", parts.scheme == "https"
    port = parts.port or (443 if is_secure else 80)
    opened = _connect(addresses.resolve(host, port), port, until)
    connection = http.client.HTTPConnection(host, port)
    if is_secure:
        opened = _tls().wrap_socket(opened, server_hostname=host, do_handshake_on_connect=False)
        connection = http.client.HTTPSConnection(host, port, context=_tls())
    # A socket's time-out only limits each read.
    deadline = Timer(max(0.0, until - monotonic()), _abort, [opened])
    deadline.daemon = True
    deadline.start()
    try:
        if isinstance(opened, ssl.SSLSocket):
            opened.do_handshake()
        connection.sock = opened
        return _exchange(connection, webhook, urlunsplit(("", "", parts.path or "/", parts.query, "")))
    finally:
        deadline.cancel()
        opened.close()


def _exchange(connection: http.client.HTTPConnection, webhook: Webhook, path: str) -> int:
    headers = {
        "Content-Type": "application/json",
        "User-Agent": USER_AGENT,
        "Connection": "close",
        **signed_headers(webhook, timezone.now()),
    }
    connection.request("POST", path, body=webhook.body.encode(), headers=headers)
    response = connection.getresponse()
    response.read(MAX_BYTES)
    return response.status


def _connect(found: Sequence[str], port: int, until: float) -> socket.socket:
    """Connect to the first of these addresses that accepts. Raises the error of the last one."""
    problem: OSError = TimeoutError()
    for address in found:
        left = min(CONNECT_SECONDS, until - monotonic())
        if left <= 0:
            break
        try:
            opened = socket.create_connection((address, port), timeout=left)
        except OSError as error:
            problem = error
            continue
        opened.settimeout(READ_SECONDS)
        return opened
    raise problem


def _abort(opened: socket.socket) -> None:
    """Shut down the connection while another thread reads from it."""
    with contextlib.suppress(OSError):
        socket.socket.shutdown(opened, socket.SHUT_RDWR)  # SSLSocket.shutdown would disturb the reading thread


@lru_cache(maxsize=1)
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context()


def webhook_gateway() -> WebhookGateway:
    """Return the gateway that posts webhooks."""
    return HttpWebhookGateway()

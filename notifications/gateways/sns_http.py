"""Fetch signing certificates and confirm subscriptions of Amazon SNS."""

import http.client
import ssl
from typing import Protocol
from urllib.parse import urlsplit

from notifications.exceptions import SnsUnreachableError

SECONDS = 5
MAX_BYTES = 64 * 1024


class SnsHttp(Protocol):
    """Fetches a verified URL of SNS without following redirects.

    Raises SnsUnreachableError.
    """

    def get(self, url: str) -> bytes: ...


class AmazonSnsHttp:
    """Fetches over TLS and verifies the certificate of the host."""

    def get(self, url: str) -> bytes:
        """Return the body of a 200 response of at most MAX_BYTES."""
        parts = urlsplit(url)
        connection = http.client.HTTPSConnection(
            parts.hostname or "", timeout=SECONDS, context=ssl.create_default_context()
        )
        try:
            connection.request("GET", f"{parts.path}?{parts.query}" if parts.query else parts.path)
            response = connection.getresponse()
            body = response.read(MAX_BYTES + 1)
        except (OSError, http.client.HTTPException) as error:
            raise SnsUnreachableError(type(error).__name__) from error
        finally:
            connection.close()
        if response.status != http.client.OK or len(body) > MAX_BYTES:
            raise SnsUnreachableError(f"status {response.status}")
        return body


def sns_http() -> SnsHttp:
    """Return the client that talks to Amazon."""
    return AmazonSnsHttp()

"""The two things that are fetched from Amazon SNS because a report names their address."""

import http.client
import ssl
from typing import Protocol
from urllib.parse import urlsplit

from notifications.exceptions import SnsUnreachableError

SECONDS = 5
MAX_BYTES = 64 * 1024


class SnsHttp(Protocol):
    """Fetches an address of SNS that was found to be one; follows no redirect.

    Raises SnsUnreachableError.
    """

    def get(self, url: str) -> bytes: ...


class AmazonSnsHttp:
    """Over TLS, with the host's certificate verified."""

    def get(self, url: str) -> bytes:
        """The body of a 200 answer of at most MAX_BYTES."""
        parts = urlsplit(url)
        connection = http.client.HTTPSConnection(
            parts.hostname or "", timeout=SECONDS, context=ssl.create_default_context()
        )
        try:
            connection.request("GET", f"{parts.path}?{parts.query}" if parts.query else parts.path)
            answer = connection.getresponse()
            body = answer.read(MAX_BYTES + 1)
        except (OSError, http.client.HTTPException) as error:
            raise SnsUnreachableError(type(error).__name__) from error
        finally:
            connection.close()
        if answer.status != http.client.OK or len(body) > MAX_BYTES:
            raise SnsUnreachableError(f"answered {answer.status}")
        return body


def sns_http() -> SnsHttp:
    """The way to Amazon."""
    return AmazonSnsHttp()

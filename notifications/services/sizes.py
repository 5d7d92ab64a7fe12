"""How large a mail becomes on its way."""

import quopri
from collections.abc import Iterable

from django.conf import settings

HEADERS = 4096  # bytes, generously: headers, and what stands between the parts
PART = 1024  # bytes of headers of one file
LINE = 57  # bytes that base64 puts into a line of 76 characters and its end of 2


def encoded_size(bodies: Iterable[str], files: Iterable[int]) -> int:
    """Bytes of the mail at most: files as base64, bodies as quoted-printable."""
    quoted = sum(len(quopri.encodestring(body.encode())) for body in bodies)
    return HEADERS + quoted + sum(-(-size // LINE) * 78 + PART for size in files)


def most_bytes() -> int:
    """What the provider takes."""
    return int(settings.EMAIL_MAX_MEGABYTES) * 1024 * 1024

"""How large a mail becomes on its way."""

import quopri
from collections.abc import Iterable

from django.conf import settings

HEADERS = 4096  # bytes, generously: headers, and what stands between the parts
PART = 1024  # bytes of headers of one file
WORST = 13  # bytes that a letter of four bytes takes as quoted-printable, with its share of soft line ends
LINE = 57  # bytes that base64 puts into a line of 76 characters and its end of 2


def encoded_size(bodies: Iterable[str], files: Iterable[int]) -> int:
    """Bytes of the mail at most: files as base64, bodies as quoted-printable."""
    quoted = sum(len(quopri.encodestring(body.encode())) for body in bodies)
    return HEADERS + quoted + _files(files)


def is_surely_within(most: int, bodies: Iterable[str], files: Iterable[int]) -> bool:
    """Whether no way of writing it makes the mail larger than `most` bytes; quickly told, and true of most mails."""
    return HEADERS + sum(len(body) for body in bodies) * WORST + _files(files) <= most


def _files(sizes: Iterable[int]) -> int:
    return sum(-(-size // LINE) * 78 + PART for size in sizes)


def most_bytes() -> int:
    """What the provider takes."""
    return int(settings.EMAIL_MAX_MEGABYTES) * 1024 * 1024

"""Addresses and numbers on the pages of the admin: from left to right, also among words that are not."""

from collections.abc import Iterable

from django.utils.html import format_html_join
from django.utils.safestring import SafeString


def isolated(*texts: str) -> SafeString:
    """Each by itself: in Arabic `+1555` would be shown as `1555+`."""
    return format_html_join(" ", '<bdi dir="ltr">{}</bdi>', ((text,) for text in texts))


def listed(addresses: Iterable[str]) -> SafeString | str:
    """All of them, or a dash."""
    return format_html_join(", ", '<bdi dir="ltr">{}</bdi>', ((address,) for address in addresses)) or "-"

"""Addresses as they stand in messages."""

from django.conf import settings
from django.urls import reverse


def link(name: str, *args: str) -> str:
    """The absolute address of a page, built on PUBLIC_URL."""
    return f"{settings.PUBLIC_URL}{reverse(name, args=args)}"

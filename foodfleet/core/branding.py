"""What an installation calls itself: the SITE_* settings, for templates of pages and messages."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest


def context(request: HttpRequest | None = None) -> dict[str, Any]:
    """A context processor: the name and support address of the site, and whether people may register."""
    return {"support_email": settings.SUPPORT_EMAIL, "registration": settings.REGISTRATION}

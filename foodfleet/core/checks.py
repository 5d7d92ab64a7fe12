"""System checks of combinations of settings."""

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core import checks


@checks.register(checks.Tags.security)
def https_needs_a_trusted_proxy(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[checks.CheckMessage]:
    """Warn of an https:// PUBLIC_URL without TRUSTED_PROXIES: only a proxy's header says that a request used HTTPS."""
    if not settings.PUBLIC_URL.startswith("https://") or settings.TRUSTED_PROXIES:
        return []
    return [
        checks.Warning(
            "PUBLIC_URL begins with https:// and TRUSTED_PROXIES is not set: redirects to HTTPS never end.",
            hint="Set TRUSTED_PROXIES to the address of the proxy that ends TLS and sends X-Forwarded-Proto.",
            id="foodfleet.W001",
        )
    ]

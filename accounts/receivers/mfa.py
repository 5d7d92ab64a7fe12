"""Effects of changed credentials and compromise reports on MFA, known devices and API keys."""

from typing import Any

from django.dispatch import receiver

from accounts import signals
from accounts.models import User
from accounts.services.limits import attempts, lockout
from accounts.services.mfa import methods, resets, trusted_browsers
from accounts.services.programs import api_keys
from foodfleet.core.http.clients import Client


@receiver(signals.password_reset_done)
def clear_attempts(user: User, **kwargs: Any) -> None:
    """Clear the count of wrong codes, which somebody with the old password may have tried, and trust no browser."""
    attempts.clear(user)
    trusted_browsers.forget_all(user)


@receiver([signals.two_factor_enabled, signals.passkey_added, signals.passkey_removed, signals.password_changed])
def forget_other_browsers(user: User, client: Client, **kwargs: Any) -> None:
    """Forget all trusted browsers except the current one, whose user has just authenticated."""
    trusted_browsers.forget_all(user, keep=client)


@receiver(signals.compromise_reported)
def revoke_access(user: User, client: Client, **kwargs: Any) -> None:
    """Forget trusted browsers and known devices, cancel an MFA reset, and revoke API keys."""
    methods.limit_after_compromise(user)
    lockout.forget_devices(user.email)
    resets.cancel(user=user, client=client)
    api_keys.revoke_all(user, client=client)

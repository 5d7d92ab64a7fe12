"""What other events mean for the second factor."""

from typing import Any

from django.dispatch import receiver

from accounts import signals
from accounts.models import User
from accounts.services.limits import attempts, lockout
from accounts.services.mfa import methods, resets, trusted_browsers
from foodfleet.core.http.clients import Client


@receiver(signals.password_reset_done)
def take_codes_again(user: User, **kwargs: Any) -> None:
    """Who guessed codes knew the old password. Who has the mailbox alone still has to show the second factor."""
    attempts.clear(user)
    trusted_browsers.forget_all(user)


@receiver([signals.two_factor_enabled, signals.passkey_added, signals.passkey_removed, signals.password_changed])
def trust_anew(user: User, client: Client, **kwargs: Any) -> None:
    """A browser is trusted for the locks that it was opened with; where one is changed, it has been shown just now."""
    trusted_browsers.forget_all(user, keep=client)


@receiver(signals.compromise_reported)
def trust_nothing(user: User, client: Client, **kwargs: Any) -> None:
    """Somebody else was there: no device is known, none skips the second factor, and nobody takes that away."""
    methods.limit_after_compromise(user)
    lockout.forget_devices(user.email)
    resets.cancel(user=user, client=client)

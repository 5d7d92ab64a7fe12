"""What nobody can use any more is removed, and what was put off is done."""

from django.utils import timezone

from accounts.services import challenges, keys, second_factor_resets, trusted_browsers
from foodfleet.core import counters, stamps
from foodfleet.core.clients import Client


def purge_expired() -> int:
    """Remove challenges, remembered browsers and counters whose time is over; returns how many."""
    now = timezone.now()
    stamps.purge()
    keys.purge_expired(now)
    return challenges.purge_expired(now) + trusted_browsers.purge_expired(now) + counters.purge_expired(now)


def carry_out_resets() -> int:
    """Take away the second factors whose approved reset is due; returns how many."""
    return second_factor_resets.carry_out_due(client=Client())

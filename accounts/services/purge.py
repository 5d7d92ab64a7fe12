"""What nobody can use any more is removed, and what was put off is done."""

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.sessions.backends.db import SessionStore
from django.db.models import QuerySet
from django.utils import timezone

from accounts.models import LoginAttempts, OneTimeToken, PhoneCode, RefreshToken, SecurityEvent, Session
from accounts.services.jwt import keyring
from accounts.services.mfa import resets, trusted_browsers
from accounts.services.one_time import challenges
from foodfleet.core.cache import coherent, rate_limits
from foodfleet.core.http.clients import Client

BATCH = 1000  # rows that one statement removes: no lock is held for long
# A device that signed in is known again, and a token that ran out is known as one of ours, for this much longer.
SESSIONS_KEPT = timedelta(days=90)
REFRESH_TOKENS_KEPT = timedelta(days=7)
ATTEMPTS_KEPT = timedelta(days=30)  # of strangers at one address; then the first lock is a short one again


def purge_expired() -> int:
    """Remove rows whose time is over; returns how many."""
    now = timezone.now()
    coherent.purge()
    keyring.purge_expired(now)
    SessionStore.clear_expired()
    expired = (
        RefreshToken.objects.expired(now - REFRESH_TOKENS_KEPT),
        Session.objects.expired_before(now - SESSIONS_KEPT),
        OneTimeToken.objects.expired(now),
        PhoneCode.objects.expired(now),
        LoginAttempts.objects.from_unknown_devices_before(now - ATTEMPTS_KEPT, now=now),
    )
    removed = sum(_remove(rows) for rows in expired)
    removed += _remove_events(now)
    removed += challenges.purge_expired(now) + trusted_browsers.purge_expired(now)
    return removed + rate_limits.purge_expired(now)


def _remove_events(now: datetime) -> int:
    """Remove security events that are older than the operator wants to keep them."""
    days = settings.SECURITY_EVENTS_REMOVED_AFTER_DAYS
    if not days:
        return 0
    removed = 0
    while count := SecurityEvent.objects.remove_older(now - timedelta(days=days), most=BATCH):
        removed += count
    return removed


def _remove(rows: "QuerySet[Any]") -> int:
    removed = 0
    while batch := list(rows.values_list("pk", flat=True)[:BATCH]):
        rows.model._default_manager.filter(pk__in=batch).delete()
        removed += len(batch)
    return removed


def carry_out_resets() -> int:
    """Take away the second factors whose approved reset is due; returns how many."""
    return resets.perform_due(client=Client())

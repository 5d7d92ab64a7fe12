"""Scheduled clean-up: delete expired rows and run what is due."""

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.sessions.backends.db import SessionStore
from django.db.models import QuerySet
from django.utils import timezone

from accounts.models import KnownDevice, OneTimeToken, PhoneCode, RefreshToken, SecurityEvent, Session
from accounts.services.jwt import keyring
from accounts.services.mfa import resets, trusted_browsers
from accounts.services.one_time import challenges
from foodfleet.core.cache import coherent, rate_limits
from foodfleet.core.http.clients import Client

BATCH = 1000  # rows that one statement deletes, so that locks are short
# Expired sessions and tokens stay this long, to recognise devices and to tell our tokens from forged ones.
SESSION_RETENTION = timedelta(days=90)
REFRESH_TOKEN_RETENTION = timedelta(days=7)


def purge_expired() -> int:
    """Delete expired rows; returns how many."""
    now = timezone.now()
    coherent.purge()
    keyring.purge_expired(now)
    SessionStore.clear_expired()
    expired = (
        RefreshToken.objects.expired(now - REFRESH_TOKEN_RETENTION),
        Session.objects.expired_before(now - SESSION_RETENTION),
        OneTimeToken.objects.expired(now),
        PhoneCode.objects.expired(now),
        KnownDevice.objects.unused_since(now - timedelta(seconds=settings.DEVICE_COOKIE_AGE)),
        rate_limits.expired(now),
    )
    removed = sum(_remove(rows) for rows in expired)
    removed += _remove_events(now)
    return removed + challenges.purge_expired(now) + trusted_browsers.purge_expired(now)


def _remove_events(now: datetime) -> int:
    """Delete security events older than SECURITY_EVENTS_REMOVED_AFTER_DAYS."""
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


def perform_due_resets() -> int:
    """Run the approved MFA resets that are due; returns how many."""
    return resets.perform_due(client=Client())

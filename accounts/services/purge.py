"""Scheduled jobs: delete expired rows, perform MFA resets and account deletions that are due."""

from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.sessions.backends.db import SessionStore
from django.utils import timezone

from accounts.models import (
    ApiKey,
    Challenge,
    KnownDevice,
    OneTimeToken,
    PhoneCode,
    RefreshToken,
    RevokedToken,
    SecurityEvent,
    Session,
    TrustedBrowser,
)
from accounts.services.account import own_deletion
from accounts.services.jwt import keyring
from accounts.services.mfa import resets
from foodfleet.core.cache import rate_limits
from foodfleet.core.database import batches, partitions
from foodfleet.core.http.clients import Client

# How long rows stay after they expired.
SESSION_RETENTION = timedelta(days=90)  # to recognise devices
API_KEY_RETENTION = timedelta(days=90)  # also after a revocation
REFRESH_TOKEN_RETENTION = timedelta(days=7)  # to tell an expired token from a forged one


def purge_expired() -> int:
    """Delete expired rows; return how many."""
    now = timezone.now()
    keyring.purge_expired(now)
    partitions.make_ahead(SecurityEvent, now)
    SessionStore.clear_expired()
    expired = (
        RefreshToken.objects.expired(now - REFRESH_TOKEN_RETENTION),
        Session.objects.expired_before(now - SESSION_RETENTION),
        ApiKey.objects.revoked_or_expired_before(now - API_KEY_RETENTION),
        RevokedToken.objects.expired(now - timedelta(hours=1)),  # for clock skew
        OneTimeToken.objects.expired(now),
        PhoneCode.objects.expired(now),
        Challenge.objects.expired(now),
        TrustedBrowser.objects.expired(now),
        KnownDevice.objects.unused_since(now - timedelta(seconds=settings.DEVICE_COOKIE_AGE)),
        rate_limits.expired(now),
    )
    return sum(batches.delete(rows) for rows in expired) + _remove_events(now)


def _remove_events(now: datetime) -> int:
    """Delete security events older than SECURITY_EVENTS_REMOVED_AFTER_DAYS.

    Partitions whose events are all older are dropped whole. Returns how many other events were deleted.
    """
    days = settings.SECURITY_EVENTS_REMOVED_AFTER_DAYS
    if not days:
        return 0
    before = now - timedelta(days=days)
    partitions.drop_older(SecurityEvent, before)
    before = min(before, partitions.first_month(SecurityEvent) or before)
    return batches.repeat(lambda: SecurityEvent.objects.remove_older(before, limit=batches.BATCH))


def perform_due_resets() -> int:
    """Perform the approved MFA resets that are due; return how many."""
    return resets.perform_due(client=Client())


def perform_due_deletions() -> int:
    """Remind owners of the deletion of their accounts, and delete accounts that are due; return how many were."""
    own_deletion.remind_due()
    return own_deletion.perform_due()

"""Limit wrong MFA codes per account: each is counted before it is compared.

Up to ten consecutive failures have no consequence. Each further one blocks for a growing time, and from the 25th on one
code a day is compared: far below the 100 consecutive failures that NIST SP 800-63B-4 3.2.2 allows. Only a person who
knows the password can try a code. A password reset by e-mail ends the block.
"""

from datetime import datetime

from django.db import transaction
from django.utils import timezone

from accounts import signals
from accounts.models import User
from accounts.models.mfa import CODE_LOCKOUT, code_attempts_key
from accounts.services import audit
from accounts.services.one_time import tokens
from accounts.states import EventKind, Method
from foodfleet.core.cache import rate_limits
from foodfleet.core.exceptions import ThrottledException
from foodfleet.core.http.clients import Client

BLOCKED_AT = 25  # failures after which the owner gets one notice


def reserve(user: User, *, now: datetime | None = None) -> rate_limits.Attempt:
    """Count an attempt of `user`. Call it before comparing a code, and outside of a transaction that may roll back.

    Raises ThrottledException.
    """
    now = now or timezone.now()
    attempt = rate_limits.reserve_attempt(code_attempts_key(user), CODE_LOCKOUT, now=now)
    if not attempt.allowed:
        raise ThrottledException((attempt.blocked_until - now).total_seconds() if attempt.blocked_until else 1)
    return attempt


def failed(attempt: rate_limits.Attempt, user: User, method: Method, client: Client) -> None:
    """Record that the counted code was wrong, and notify the owner when the account becomes blocked."""
    with transaction.atomic():
        audit.record(kind=EventKind.TWO_FACTOR_FAILED, user=user, client=client, details={"method": method.value})
        if attempt.count == BLOCKED_AT:
            audit.record(kind=EventKind.TWO_FACTOR_BLOCKED, user=user, client=client)
            signals.codes_blocked.send(
                sender=User,
                user=user,
                until=attempt.blocked_until,
                client=client,
                report_token=tokens.issue_report_token(user),
            )


def clear(user: User) -> None:
    """Reset the count, after a correct code or a password reset."""
    rate_limits.clear_attempts(code_attempts_key(user))

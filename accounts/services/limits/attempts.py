"""Limit wrong MFA codes per account: each is counted before it is compared.

Ten consecutive failures have no consequence. Then growing waits begin, and from the 25th failure one code a day is
compared: far below the 100 consecutive failures that NIST SP 800-63B-4 3.2.2 allows. Only a person who knows the
password can try a code; resetting the password by mail ends the wait.
"""

from datetime import datetime

from django.db import transaction
from django.utils import timezone

from accounts import signals
from accounts.models import CodeAttempts, User
from accounts.services import audit
from accounts.services.one_time import tokens
from accounts.states import EventKind, Method
from foodfleet.core.exceptions import ThrottledException
from foodfleet.core.http.clients import Client

BLOCKED_AT = 25


def reserve(user: User, *, now: datetime | None = None) -> None:
    """Count an attempt of `user`; call it before comparing a code.

    Commits on its own: never call it inside a transaction, whose rollback would undo the count.
    Raises ThrottledException.
    """
    now = now or timezone.now()
    if CodeAttempts.objects.reserve(user, now):
        return
    blocked_until = CodeAttempts.objects.get(user=user).blocked_until
    raise ThrottledException((blocked_until - now).total_seconds() if blocked_until else 1)


def failed(user: User, method: Method, client: Client) -> None:
    """Record that the counted code was wrong, and notify the owner when the account becomes blocked."""
    with transaction.atomic():
        audit.record(kind=EventKind.TWO_FACTOR_FAILED, user=user, client=client, details={"method": method.value})
        attempts = CodeAttempts.objects.get(user=user)
        if attempts.failures == BLOCKED_AT:
            audit.record(kind=EventKind.TWO_FACTOR_BLOCKED, user=user, client=client)
            signals.codes_blocked.send(
                sender=User,
                user=user,
                until=attempts.blocked_until,
                client=client,
                report_token=tokens.issue_report_token(user),
            )


def clear(user: User) -> None:
    """Reset the count: a code was right, or the password was reset."""
    CodeAttempts.objects.clear(user)

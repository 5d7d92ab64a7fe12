"""Wrong codes slow down and then stop: counted before they are compared, one account at a time.

Ten in a row are free, so that nobody is shut out by a clumsy evening. Then the waits begin, and from 25 on one code a
day is compared: far below the 100 in a row that NIST SP 800-63B-4 3.2.2 allows. Only who knows the password gets as far
as a code; a new password, chosen through the mailbox, ends the wait.
"""

from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts import signals
from accounts.models import CodeAttempts, User
from accounts.services import audit
from accounts.services.one_time import tokens
from accounts.states import EventKind, Method
from foodfleet.core.exceptions import ThrottledException
from foodfleet.core.http.clients import Client

WAITS = {
    10: timedelta(seconds=30),
    11: timedelta(minutes=1),
    12: timedelta(minutes=2),
    13: timedelta(minutes=4),
    14: timedelta(minutes=8),
    15: timedelta(minutes=15),
    25: timedelta(days=1),
}
STOP = 25


def reserve(user: User, *, now: datetime | None = None) -> None:
    """Count an attempt of `user`; only then may a code be compared.

    Commits on its own: never call it inside a transaction, a refusal would take it back. Raises ThrottledException.
    """
    moment = now or timezone.now()
    if CodeAttempts.objects.reserve(user, waits=WAITS, now=moment):
        return
    try:
        with transaction.atomic():
            CodeAttempts.objects.create(user=user, failures=1)
        return
    except IntegrityError:  # there is a row: either somebody made it just now, or it says to wait
        if CodeAttempts.objects.reserve(user, waits=WAITS, now=moment):
            return
    blocked_until = CodeAttempts.objects.get(user=user).blocked_until
    raise ThrottledException((blocked_until - moment).total_seconds() if blocked_until else 1)


def failed(user: User, method: Method, client: Client) -> None:
    """The code that was reserved is wrong: write it down, and tell the owner where it was one too many."""
    with transaction.atomic():
        audit.record(kind=EventKind.TWO_FACTOR_FAILED, user=user, client=client, details={"method": method.value})
        attempts = CodeAttempts.objects.get(user=user)
        if attempts.failures == STOP:
            audit.record(kind=EventKind.TWO_FACTOR_BLOCKED, user=user, client=client)
            signals.codes_blocked.send(
                sender=User,
                user=user,
                until=attempts.blocked_until,
                client=client,
                report_token=tokens.issue_report_token(user),
            )


def clear(user: User) -> None:
    """Forget the failures: a code was right, or the password is a new one."""
    CodeAttempts.objects.clear(user)

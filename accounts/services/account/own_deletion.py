"""Deletion of an account at its owner's request: `deletion.erase` runs after 14 days, in which the owner can cancel.

Apple's App Review Guideline 5.1.1(v) and article 17 of the GDPR require it. Until then the account works as before, so
that its owner can export data. The request ends every other session.
"""

from datetime import datetime, timedelta
from uuid import UUID

import structlog
from django.db import transaction
from django.utils import timezone

from accounts import signals
from accounts.exceptions import LastSuperuserException
from accounts.models import User
from accounts.services import audit
from accounts.services.account import deletion
from accounts.services.mfa import reauthentication
from accounts.services.one_time import tokens
from accounts.services.sessions import sessions
from accounts.states import EndReason, EventKind
from foodfleet.core.exceptions import ConflictException
from foodfleet.core.http.clients import Client
from rbac.services import actors

logger = structlog.get_logger(__name__)

DELAY = timedelta(days=14)  # GDPR, article 12(3): at most a month
REMINDER = timedelta(days=3)  # before the deletion
BATCH = 500


def request(*, user: User, session_id: UUID, client: Client) -> datetime:
    """Plan the deletion and return its time; a second request changes nothing.

    Raises ReauthenticationRequiredException, LastSuperuserException, and UnauthorizedException if the account or the
    session was closed meanwhile.
    """
    with transaction.atomic():
        current: User = actors.lock_actor(user, with_users=_superusers())
        reauthentication.require(session_id)
        if not _leaves_a_superuser(current):
            raise LastSuperuserException
        if current.deletion_due_at is None:
            current.deletion_due_at, current.deletion_reminded = timezone.now() + DELAY, False
            current.save(update_fields=["deletion_due_at", "deletion_reminded"])
            sessions.end_all(current, reason=EndReason.ENDED_BY_OWNER, keep=session_id)
            audit.record(kind=EventKind.DELETION_REQUESTED, user=current, client=client)
            signals.deletion_requested.send(
                sender=User, user=current, report_token=tokens.issue_report_token(current), client=client
            )
    return current.deletion_due_at


def cancel(*, user: User, client: Client) -> None:
    """Cancel the deletion, if one is planned. Raises UnauthorizedException as `request` does."""
    with transaction.atomic():
        withdraw(actors.lock_actor(user), client)


def withdraw(user: User, client: Client) -> None:
    """Cancel a planned deletion. Call it in a transaction that has locked the user."""
    if user.deletion_due_at is not None:
        user.deletion_due_at, user.deletion_reminded = None, False
        user.save(update_fields=["deletion_due_at", "deletion_reminded"])
        audit.record(kind=EventKind.DELETION_CANCELLED, user=user, client=client)


def remind_due(*, now: datetime | None = None) -> int:
    """Remind each owner once whose account will be deleted within REMINDER; return how many."""
    now = now or timezone.now()
    due = User.objects.to_remind_of_deletion(now + REMINDER)
    return sum(_remind(pk, now) for pk in list(due.values_list("pk", flat=True)[:BATCH]))


def perform_due(*, now: datetime | None = None) -> int:
    """Delete the accounts whose deletion is due; return how many.

    The last superuser, and an account whose deletion a receiver of `user_deleted` prevents, are logged and stay.
    """
    now = now or timezone.now()
    return sum(_attempt(pk, now) for pk in list(User.objects.deletion_due(now).values_list("pk", flat=True)[:BATCH]))


def _remind(pk: int, now: datetime) -> bool:
    with transaction.atomic():
        due = User.objects.to_remind_of_deletion(now + REMINDER).filter(pk=pk)
        if due.update(deletion_reminded=True) != 1:
            return False
        user: User = User.objects.get_for_update(pk)
        signals.deletion_coming.send(
            sender=User, user=user, report_token=tokens.issue_report_token(user), client=Client()
        )
    return True


def _attempt(pk: int, now: datetime) -> bool:
    try:
        return _perform(pk, now)
    except ConflictException as error:
        logger.warning("own_deletion_refused", user_id=pk, reason=error.code)
        return False


def _perform(pk: int, now: datetime) -> bool:
    with transaction.atomic():
        actors.lock_actor(None, with_users=[pk, *_superusers()])
        user: User | None = User.objects.deletion_due(now).filter(pk=pk).first()
        if user is None:  # cancelled, or another process was faster
            return False
        if not _leaves_a_superuser(user):
            logger.error("own_deletion_refused", user_id=pk, reason="last_superuser")
            return False
        email, language, first_name = user.email, user.language, user.greeting_name
        deletion.erase(user, actor=None, client=Client())
        signals.own_account_deleted.send(
            sender=User, user=user, email=email, language=language, first_name=first_name, client=Client()
        )
    return True


def _superusers() -> list[int]:
    return list(User.objects.superusers().values_list("pk", flat=True))


def _leaves_a_superuser(user: User) -> bool:
    """Return whether the deletion of `user` leaves a superuser, not counting those who requested their own deletion."""
    others = User.objects.superusers().filter(locked_at__isnull=True, deletion_due_at__isnull=True).exclude(pk=user.pk)
    return not (user.is_superuser and user.is_active) or others.exists()

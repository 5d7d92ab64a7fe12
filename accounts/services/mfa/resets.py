"""MFA resets for users who lost their methods.

A member of staff requests the reset and a second one approves it; it takes effect a day later. The owner is notified of
the approval and of the reset, and can cancel it in between: with the link in the e-mail, or by signing in with MFA.
"""

from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts import signals
from accounts.exceptions import OwnAccountException, ResetNotPossibleException
from accounts.models import MFAReset, User
from accounts.services import audit
from accounts.services.mfa import methods
from accounts.services.one_time import tokens
from accounts.services.sessions import sessions
from accounts.services.staff import protections
from accounts.states import EndReason, EventKind
from foodfleet.core.exceptions import ForbiddenException, NotFoundException, UnauthorizedException
from foodfleet.core.http.clients import Client
from rbac.services import actors, limits

DELAY = timedelta(hours=24)
PERMISSION = "users:reset_2fa"


def request(*, user_id: int, actor: User, reason: str, client: Client) -> MFAReset:
    """Request an MFA reset for a user, which a second person has to approve.

    Raises ResetNotPossibleException if MFA is disabled or a request is open, ForbiddenException for the actor's own
    account, and the exceptions of `protections.lock_parties`.
    """
    try:
        with transaction.atomic():
            _actor, user = protections.lock_parties(actor, user_id, PERMISSION)
            if actor.pk == user.pk:
                raise ForbiddenException(OwnAccountException.message)
            if not methods.is_enabled(user):
                raise ResetNotPossibleException
            reset = MFAReset.objects.create(user=user, requested_by=actor, reason=reason)
            audit.record(
                kind=EventKind.TWO_FACTOR_RESET_REQUESTED,
                user=user,
                client=client,
                actor=actor,
                details={"reason": reason},
            )
    except IntegrityError:
        raise ResetNotPossibleException from None
    return reset


def approve(*, reset_id: int, actor: User, client: Client) -> MFAReset:
    """Approve another person's request: the owner is notified, and has a day to cancel it.

    Raises NotFoundException if it is closed or approved, ForbiddenException for the requester and the owner, and the
    exceptions of `protections.lock_parties`.
    """
    reset = _open(reset_id)
    if actor.pk in {reset.requested_by_id, reset.user_id}:
        raise ForbiddenException(_("Somebody else has to approve this: neither who asked for it nor whom it is about."))
    effective_at = timezone.now() + DELAY
    with transaction.atomic():
        protections.lock_parties(actor, reset.user_id, PERMISSION)
        if not MFAReset.objects.approve(reset.pk, by=actor, effective_at=effective_at):
            raise NotFoundException
        audit.record(kind=EventKind.TWO_FACTOR_RESET_APPROVED, user=reset.user, client=client, actor=actor)
        signals.two_factor_reset_approved.send(
            sender=User,
            user=reset.user,
            effective_at=effective_at,
            report_token=tokens.issue_report_token(reset.user),
            client=client,
        )
    reset.refresh_from_db()
    return reset


def cancel(*, user: User, client: Client, actor: User | None = None) -> None:
    """Cancel an open request for `user`, if there is one. actor: who cancels it, if not the owner."""
    with transaction.atomic():
        if MFAReset.objects.of(user).cancel(timezone.now()):
            audit.record(kind=EventKind.TWO_FACTOR_RESET_CANCELLED, user=user, client=client, actor=actor)


def approved_for(user: User) -> MFAReset | None:
    """Return the approved reset that has not taken effect yet; None if there is none."""
    return MFAReset.objects.of(user).open().exclude(effective_at=None).first()


def cancel_by_staff(*, reset_id: int, actor: User, client: Client) -> None:
    """Cancel a request as staff. Raises NotFoundException if it is closed."""
    with transaction.atomic():
        actors.lock_actor(actor, PERMISSION)
        cancel(user=_open(reset_id).user, client=client, actor=actor)


def perform_due(*, client: Client, user: User | None = None, now: datetime | None = None) -> int:
    """Perform the resets that are due, for `user` or for everybody; return how many."""
    now = now or timezone.now()
    due = MFAReset.objects.due(now).select_related("user", "requested_by", "approved_by")
    return sum(_perform(reset, client, now) for reset in (due.of(user) if user else due))


def _perform(reset: MFAReset, client: Client, now: datetime) -> bool:
    with transaction.atomic():
        if not _is_still_permitted(reset):
            cancel(user=reset.user, client=client)
            return False
        if not MFAReset.objects.finish(reset.pk, now):
            return False
        methods.remove_all(reset.user)
        sessions.end_all(reset.user, reason=EndReason.MFA_RESET)
        audit.record(kind=EventKind.TWO_FACTOR_RESET_DONE, user=reset.user, client=client, actor=reset.approved_by)
        signals.two_factor_reset_done.send(
            sender=User, user=reset.user, report_token=tokens.issue_report_token(reset.user), client=client
        )
    return True


def _is_still_permitted(reset: MFAReset) -> bool:
    """Return whether requester and approver may still do so: they may have lost the permission since."""
    try:
        for person in (reset.requested_by, reset.approved_by):
            actors.ensure_still_may(person, PERMISSION)
            limits.ensure_may_act_on(person, reset.user)
    except (ForbiddenException, UnauthorizedException):
        return False
    return True


def _open(reset_id: int) -> MFAReset:
    reset = MFAReset.objects.open().filter(pk=reset_id).select_related("user").first()
    if reset is None:
        raise NotFoundException
    return reset

"""A second factor that was lost: staff ask, another of them approves, a day passes, and then it is gone.

The owner hears of it when it is approved and when it is done, and can call it off in between: with the link of the
mail, or by signing in with the factor that was said to be lost.
"""

from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts import signals
from accounts.exceptions import OwnAccountException, ResetNotPossibleException
from accounts.models import SecondFactorReset, User
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


def request(*, user_id: int, actor: User, reason: str, client: Client) -> SecondFactorReset:
    """Ask to take the second factor from a user; nothing happens before a second person approves.

    Raises ResetNotPossibleException where none is on or a request is open, ForbiddenException for one's own, and as
    `protections.lock_parties`.
    """
    try:
        with transaction.atomic():
            _actor, user = protections.lock_parties(actor, user_id, PERMISSION)
            if actor.pk == user.pk:
                raise ForbiddenException(OwnAccountException.message)
            if not methods.is_enabled(user):
                raise ResetNotPossibleException
            reset = SecondFactorReset.objects.create(user=user, requested_by=actor, reason=reason)
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


def approve(*, reset_id: int, actor: User, client: Client) -> SecondFactorReset:
    """Let the request of somebody else take its course: the owner is told, and has a day to call it off.

    Raises NotFoundException where it is over or approved, ForbiddenException for who asked and for the owner, and as
    `protections.lock_parties`.
    """
    reset = _open(reset_id)
    if actor.pk in {reset.requested_by_id, reset.user_id}:
        raise ForbiddenException(_("Somebody else has to approve this: neither who asked for it nor whom it is about."))
    effective_at = timezone.now() + DELAY
    with transaction.atomic():
        protections.lock_parties(actor, reset.user_id, PERMISSION)
        if not SecondFactorReset.objects.approve(reset.pk, by=actor, effective_at=effective_at):
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
    """Call off what is open for `user`; nothing open is as good. actor: who does it, if not the owner."""
    with transaction.atomic():
        if SecondFactorReset.objects.of(user).cancel(timezone.now()):
            audit.record(kind=EventKind.TWO_FACTOR_RESET_CANCELLED, user=user, client=client, actor=actor)


def approved_for(user: User) -> SecondFactorReset | None:
    """The reset that waits for its day to pass; None where none does."""
    waiting: SecondFactorReset | None = SecondFactorReset.objects.of(user).open().exclude(effective_at=None).first()
    return waiting


def call_off(*, reset_id: int, actor: User, client: Client) -> None:
    """`cancel` by staff. Raises NotFoundException where it is over."""
    with transaction.atomic():
        actors.lock_actor(actor, PERMISSION)
        cancel(user=_open(reset_id).user, client=client, actor=actor)


def carry_out_due(*, client: Client, user: User | None = None, now: datetime | None = None) -> int:
    """Take away the second factors whose day has passed: of `user`, or of everybody; returns how many."""
    moment = now or timezone.now()
    due = SecondFactorReset.objects.due(moment)
    waiting = due.of(user) if user else due
    rows = waiting.select_related("user", "requested_by", "approved_by")
    return sum(_carry_out(reset, client, moment) for reset in rows)


def _carry_out(reset: SecondFactorReset, client: Client, now: datetime) -> bool:
    with transaction.atomic():
        if not _is_still_allowed(reset):
            cancel(user=reset.user, client=client)
            return False
        if not SecondFactorReset.objects.finish(reset.pk, now):
            return False
        methods.remove_all(reset.user)
        sessions.end_all(reset.user, reason=EndReason.MFA_RESET)
        audit.record(kind=EventKind.TWO_FACTOR_RESET_DONE, user=reset.user, client=client, actor=reset.approved_by)
        signals.two_factor_reset_done.send(
            sender=User, user=reset.user, report_token=tokens.issue_report_token(reset.user), client=client
        )
    return True


def _is_still_allowed(reset: SecondFactorReset) -> bool:
    """Whether those who asked and approved could do so today: a day has passed, and power may have changed."""
    try:
        for person in (reset.requested_by, reset.approved_by):
            actors.ensure_still_may(person, PERMISSION)
            limits.ensure_may_act_on(person, reset.user)
    except (ForbiddenException, UnauthorizedException):
        return False
    return True


def _open(reset_id: int) -> SecondFactorReset:
    reset: SecondFactorReset | None = (
        SecondFactorReset.objects.open().filter(pk=reset_id).select_related("user").first()
    )
    if reset is None:
        raise NotFoundException
    return reset

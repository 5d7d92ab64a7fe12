"""View as: staff see the product as another user, for a stated reason, for some minutes, without changing anything."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.exceptions import OwnAccountException
from accounts.models import User
from accounts.services import audit
from accounts.services.mfa import reauthentication
from accounts.services.staff import protections
from accounts.states import EventKind
from foodfleet.core.exceptions import BaseAppException, ConflictException, ValidationException
from foodfleet.core.http.clients import Client
from rbac.services import decisions, limits

PERMISSION = "users:view_as"
LIFETIME = timedelta(minutes=15)


@dataclass(frozen=True)
class Viewing:
    """`actor`, a member of staff, sees the product as `user` until `until`."""

    actor: User
    user: User
    until: datetime


def start(*, actor: User, pk: int, reason: str, session_id: UUID, client: Client) -> Viewing:
    """Start viewing as this user, and record it for both.

    Raises ReauthenticationRequiredException, ValidationException without a reason, OwnAccountException,
    ConflictException for a service account or one that is not open, EqualPowerException, and the exceptions of
    `protections.lock_parties`.
    """
    reauthentication.require(session_id)
    if not reason.strip():
        raise ValidationException.for_field("reason", _("Give a reason."), "required")
    with transaction.atomic():
        current, user = protections.lock_parties(actor, pk, PERMISSION)
        assert current is not None  # because an actor was given
        _ensure_allowed(current, user)
        until = timezone.now() + LIFETIME
        details = {"reason": reason.strip(), "until": until.isoformat().replace("+00:00", "Z")}
        _record(EventKind.VIEWING_STARTED, Viewing(actor, user, until), client, details)
    return Viewing(actor, user, until)


def resume(*, actor: User, pk: int, until: datetime) -> Viewing | None:
    """Return the viewing that `start` began, for the next page; None if it is over or no longer allowed."""
    user = User.objects.present().filter(pk=pk).first()
    if user is None or timezone.now() >= until or why_not_allowed(actor, user):
        return None
    return Viewing(actor, user, until)


def why_not_allowed(actor: User, user: User) -> str:
    """Return why `actor` may not view as this user; '' if they may."""
    try:
        decisions.require(actor, PERMISSION)
        _ensure_allowed(actor, user)
    except BaseAppException as error:
        return str(error.message)
    return ""


def record_page(*, viewing: Viewing, path: str, client: Client) -> None:
    """Record that the member of staff saw a page."""
    details = {"path": path}
    audit.record(kind=EventKind.VIEWING_PAGE, user=viewing.user, client=client, actor=viewing.actor, details=details)


def end(*, actor: User, pk: int, client: Client) -> None:
    """Record for both that the viewing ended."""
    user = User.objects.filter(pk=pk).first()
    if user is not None:
        with transaction.atomic():
            _record(EventKind.VIEWING_ENDED, Viewing(actor, user, timezone.now()), client, {})


def _ensure_allowed(actor: User, user: User) -> None:
    if actor.pk == user.pk:
        raise OwnAccountException
    if user.is_service_account:
        raise ConflictException(_("A service account sees no pages."))
    if not user.is_active or user.locked_at is not None:
        raise ConflictException(_("This account is locked or deactivated."))
    limits.ensure_has_less(actor, user)


def _record(kind: EventKind, viewing: Viewing, client: Client, details: dict[str, Any]) -> None:
    """Record the event for the user and for the member of staff."""
    for whose in (viewing.user, viewing.actor):
        of_user = {"user_id": viewing.user.pk} if whose is viewing.actor else {}
        audit.record(kind=kind, user=whose, client=client, actor=viewing.actor, details={**details, **of_user})

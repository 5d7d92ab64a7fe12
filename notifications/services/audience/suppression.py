"""Suppressed addresses and numbers: nothing, or nothing of one kind, is sent to them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.states import EventKind
from foodfleet.core.database import batches
from foodfleet.core.email_addresses import normalize_email
from foodfleet.core.exceptions import ValidationException
from foodfleet.core.http.clients import Client
from foodfleet.core.phone_numbers import E164
from foodfleet.modules.events import event_recorded
from notifications.exceptions import AlreadyLiftedException, AlreadySuppressedException, SuppressionNotFoundException
from notifications.models import Suppression
from notifications.services.untrusted_text import storable
from notifications.states import EVERY_KIND, Channel, SuppressionReason
from rbac.services import actors

LONGEST_REASON = 500  # characters
KEYS_PER_QUERY = 5_000  # within the limits of every database
NO_CLIENT = Client()
logger = structlog.get_logger(__name__)


@dataclass(frozen=True)
class NewSuppression:
    """A suppression that staff enter. detail: the reason."""

    channel: str
    address: str
    kind: str = EVERY_KIND
    detail: str = ""


def find_one(suppression_id: int) -> Suppression:
    """Return the suppression with this ID, lifted or not. Raises SuppressionNotFoundException."""
    found = Suppression.objects.filter(pk=suppression_id).first()
    if found is None:
        raise SuppressionNotFoundException
    return found


def normalized(channel: Channel | str, address: str) -> str:
    """Return the normalized form of an address or number, which is stored and compared."""
    return normalize_email(address) if channel == Channel.EMAIL else address.strip()


def find(channel: Channel | str, forms: Iterable[str]) -> list[tuple[str, str]]:
    """Return the suppressions of these normalized addresses, as pairs of kind and address.

    EVERY_KIND means that no message is sent.
    """
    return list(Suppression.objects.of(channel, forms).values_list("kind", "address"))


def is_suppressed(channel: Channel | str, address: str, kind: str = EVERY_KIND) -> bool:
    """Return whether messages of this kind (EVERY_KIND: all messages) to `address` are suppressed."""
    kinds = {EVERY_KIND, kind}
    return Suppression.objects.of(channel, [normalized(channel, address)]).of_kinds(kinds).exists()


def suppress(
    *,
    channel: Channel | str,
    address: str,
    reason: SuppressionReason,
    detail: str = "",
    kind: str = EVERY_KIND,
) -> bool:
    """Suppress messages to `address`, only of `kind` if given. Returns False if they already are."""
    try:
        with transaction.atomic():
            _create(channel, normalized(channel, address)[:254], kind, reason, detail)
    except IntegrityError:
        return False
    return True


def suppress_by_staff(*, new: NewSuppression, by: User | None, client: Client = NO_CLIENT) -> Suppression:
    """Enter a suppression by hand.

    Raises ValidationException for an invalid address, AlreadySuppressedException, and as `actors.lock_actor`.
    """
    form = normalized(new.channel, new.address)
    try:  # an invalid address would never match a recipient
        (E164 if new.channel == Channel.SMS else validate_email)(form)
    except ValidationError as error:
        raise ValidationException.for_field("address", error.messages[0], "invalid_address") from None
    try:
        with transaction.atomic():
            actors.lock_actor(by, "suppressions:create")
            if is_suppressed(new.channel, form, new.kind):
                raise AlreadySuppressedException
            row = _create(new.channel, form, new.kind, SuppressionReason.MANUAL, new.detail)
            details = {"suppression": row.pk, "channel": row.channel, "kind": row.kind or "all", "detail": row.detail}
            _record(EventKind.SUPPRESSION_ADDED, by, client, details)
    except IntegrityError:  # entered at the same time
        raise AlreadySuppressedException from None
    return row


def _create(channel: str, address: str, kind: str, reason: SuppressionReason, detail: str) -> Suppression:
    row = Suppression.objects.create(channel=channel, address=address, kind=kind, reason=reason, detail=detail[:500])
    logger.info("address_suppressed", channel=str(channel), reason=str(reason), kind=str(kind))
    return row


def lift(
    *,
    suppression_ids: Iterable[int],
    by: User | None,
    because: str = "",
    recipient_agreed: bool = False,
    client: Client = NO_CLIENT,
    on_batch: batches.Callback = batches.ignore,
) -> int:
    """Lift suppressions. Returns how many were lifted.

    Suppressions that recipients requested need a reason and the confirmation that the recipients agreed; both are
    recorded. on_batch: called with the rows of each batch, in its transaction. Raises ValidationException.
    """
    now, keys, why = timezone.now(), list(suppression_ids), storable(because, LONGEST_REASON + 1).strip()
    if is_requested_by_recipient(keys):
        _ensure_confirmed(why, recipient_agreed)
    if len(why) > LONGEST_REASON:
        too_long = _("Enter a reason of at most %(most)s characters.") % {"most": LONGEST_REASON}
        raise ValidationException.for_field("because", too_long, "max_length")

    def step(batch: Sequence[int]) -> int:
        with transaction.atomic():
            actors.lock_actor(by, "suppressions:lift")
            rows = _lift_batch(batch, now, by, why)
            if rows:
                details = {
                    "because": why,
                    "recipient_agreed": recipient_agreed,
                    "suppressions": [one.pk for one in rows],
                }
                _record(EventKind.SUPPRESSION_LIFTED, by, client, details)
            on_batch(rows)
        return len(rows)

    lifted = batches.for_each(keys, step)
    logger.info("suppressions_lifted", count=lifted, by=by.pk if by else None)
    return lifted


def lift_one(
    *, suppression_id: int, by: User | None, because: str, recipient_agreed: bool, client: Client = NO_CLIENT
) -> Suppression:
    """Lift one suppression and return it.

    Raises SuppressionNotFoundException, AlreadyLiftedException if it was lifted before, and as `lift`.
    """
    row = find_one(suppression_id)
    lifted = lift(suppression_ids=[row.pk], by=by, because=because, recipient_agreed=recipient_agreed, client=client)
    if not lifted:
        raise AlreadyLiftedException
    row.refresh_from_db()
    return row


def _ensure_confirmed(because: str, recipient_agreed: bool) -> None:
    if not because:
        message = _("The recipient asked for this suppression. Enter a reason for lifting it.")
        raise ValidationException.for_field("because", message, "required")
    if not recipient_agreed:
        message = _("The recipient asked for this suppression. Confirm that they agreed to get messages again.")
        raise ValidationException.for_field("recipient_agreed", message, "recipient_agreement_required")


def is_requested_by_recipient(suppression_ids: Sequence[int]) -> bool:
    """Return whether a recipient requested one of these live suppressions, by STOP, a link or a complaint."""
    live = Suppression.objects.live().requested_by_recipient()
    parts = (
        suppression_ids[start : start + KEYS_PER_QUERY] for start in range(0, len(suppression_ids), KEYS_PER_QUERY)
    )
    return any(live.filter(pk__in=part).exists() for part in parts)


def _lift_batch(keys: Sequence[int], now: datetime, by: User | None, because: str) -> list[Suppression]:
    chosen = Suppression.objects.filter(pk__in=keys)
    return list(chosen.filter(lifted_at=now)) if chosen.lift(now, by, because) else []


def _record(kind: EventKind, by: User | None, client: Client, details: dict[str, Any]) -> None:
    event_recorded.send(sender=Suppression, kind=kind, actor=by, client=client, user=None, details=details)


def opt_in(*, address: str, kind: str, by: User) -> None:
    """Lift the suppression of this kind that the owner of the address requested by a link."""
    suppressions = Suppression.objects.of(Channel.EMAIL, [normalized(Channel.EMAIL, address)]).of_kinds({kind})
    suppressions.lift(timezone.now(), by)

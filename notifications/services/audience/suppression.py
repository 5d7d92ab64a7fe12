"""Suppressed addresses and numbers: nothing, or nothing of one kind, is sent to them."""

from collections.abc import Iterable, Sequence
from datetime import datetime

import structlog
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from foodfleet.core.database import batches
from foodfleet.core.email_addresses import normalize_email
from foodfleet.core.exceptions import ValidationException
from notifications.models import Suppression
from notifications.services.feedback.reports import storable
from notifications.states import EVERY_KIND, Channel, SuppressionReason
from rbac.services import actors

LONGEST_REASON = 500  # characters
A_QUERY = 5_000  # keys in one query that every database accepts
logger = structlog.get_logger(__name__)


def normalized(channel: Channel | str, address: str) -> str:
    """Return the normalized form of an address, which is stored and compared."""
    return normalize_email(address) if channel == Channel.EMAIL else address.strip()


def find(channel: Channel | str, forms: Iterable[str]) -> list[tuple[str, str]]:
    """Return the suppressions of these normalized addresses, as pairs of kind and address.

    The kind EVERY_KIND means that nothing is sent.
    """
    return list(Suppression.objects.of(channel, forms).values_list("kind", "address"))


def is_suppressed(channel: Channel | str, address: str, kind: str = EVERY_KIND) -> bool:
    """Whether messages of this kind (EVERY_KIND: all messages) to `address` are suppressed."""
    kinds = {EVERY_KIND, kind}
    return Suppression.objects.of(channel, [normalized(channel, address)]).of_kinds(kinds).exists()


def suppress(
    *,
    channel: Channel | str,
    address: str,
    reason: SuppressionReason,
    detail: str = "",
    kind: str = EVERY_KIND,
    by: User | None = None,
) -> bool:
    """Suppress messages (of this kind) to `address`. Returns False where they already are.

    by: the member of staff who enters it. Raises as `actors.lock_actor`.
    """
    form = normalized(channel, address)[:254]
    try:
        with transaction.atomic():
            actors.lock_actor(by, "suppressions:create")
            Suppression.objects.create(channel=channel, address=form, kind=kind, reason=reason, detail=detail[:500])
    except IntegrityError:
        return False
    logger.info("address_suppressed", channel=str(channel), reason=str(reason), kind=str(kind))
    return True


def lift(
    *, suppression_ids: Iterable[int], by: User | None, because: str = "", on_batch: batches.Callback = batches.ignore
) -> int:
    """Lift suppressions. Returns how many were lifted.

    because: the reason, which is stored; required where a recipient asked for the suppression. on_batch: called with
    the rows of each batch, in its transaction. Raises ValidationException.
    """
    now, keys, why = timezone.now(), list(suppression_ids), storable(because, LONGEST_REASON + 1).strip()
    if not why and is_requested_by_recipient(keys):
        message = _("The recipient asked for this suppression. Enter a reason for lifting it.")
        raise ValidationException.for_field("because", message, "required")
    if len(why) > LONGEST_REASON:
        too_long = _("Enter a reason of at most %(most)s characters.") % {"most": LONGEST_REASON}
        raise ValidationException.for_field("because", too_long, "max_length")
    lifted = batches.for_each(keys, lambda batch: _lift_batch(batch, now, by, why, on_batch))
    logger.info("suppressions_lifted", count=lifted, by=by.pk if by else None)
    return lifted


def is_requested_by_recipient(suppression_ids: Sequence[int]) -> bool:
    """Whether a recipient asked for one of these live suppressions: by STOP, an unsubscribe link or a complaint."""
    live = Suppression.objects.live().requested_by_recipient()
    parts = (suppression_ids[start : start + A_QUERY] for start in range(0, len(suppression_ids), A_QUERY))
    return any(live.filter(pk__in=part).exists() for part in parts)


def _lift_batch(keys: Sequence[int], now: datetime, by: User | None, because: str, on_batch: batches.Callback) -> int:
    chosen = Suppression.objects.filter(pk__in=keys)
    with transaction.atomic():
        actors.lock_actor(by, "suppressions:lift")
        count = int(chosen.lift(now, by, because))
        on_batch(list(chosen.filter(lifted_at=now)) if count else [])
    return count


def opt_in(*, address: str, kind: str, by: User) -> None:
    """Lift the suppression of this kind that the owner of the address requested by a link."""
    suppressions = Suppression.objects.of(Channel.EMAIL, [normalized(Channel.EMAIL, address)]).of_kinds({kind})
    suppressions.lift(timezone.now(), by)

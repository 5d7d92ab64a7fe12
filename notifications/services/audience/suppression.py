"""Addresses and numbers that nothing, or nothing of one kind, is sent to."""

from collections.abc import Iterable, Sequence
from datetime import datetime

import structlog
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from foodfleet.core.email_addresses import normalize_email
from foodfleet.core.exceptions import ValidationException
from notifications.models import Suppression
from notifications.services.feedback.redaction import plain
from notifications.services.operations import batches
from notifications.states import EVERY_KIND, Channel, SuppressionReason
from rbac.services import actors

LONGEST_REASON = 500  # characters
A_QUERY = 5_000  # keys that every database takes in one
logger = structlog.get_logger(__name__)


def kept_form(channel: Channel | str, address: str) -> str:
    """The form that an address of this channel is kept and compared in."""
    return normalize_email(address) if channel == Channel.EMAIL else address.strip()


def barred(channel: Channel | str, forms: Iterable[str]) -> list[tuple[str, str]]:
    """What is not sent to these addresses, given in the form that they are kept in: pairs of a kind and an address.

    The kind EVERY_KIND means that nothing is.
    """
    return list(Suppression.objects.of(channel, forms).values_list("kind", "address"))


def is_barred(channel: Channel | str, address: str, kind: str = EVERY_KIND) -> bool:
    """Whether messages of this kind (EVERY_KIND: any message) are held back from `address` already."""
    kinds = {EVERY_KIND, kind}
    return Suppression.objects.of(channel, [kept_form(channel, address)]).of_kinds(kinds).exists()


def suppress(
    *,
    channel: Channel | str,
    address: str,
    reason: SuppressionReason,
    detail: str = "",
    kind: str = EVERY_KIND,
    by: User | None = None,
) -> bool:
    """Send nothing (of this kind) to `address` from now on; False where that very thing held already.

    by: of staff, who enter it by hand. Raises as `actors.lock_actor`.
    """
    form = kept_form(channel, address)[:254]
    try:
        with transaction.atomic():
            actors.lock_actor(by, "suppressions:create")
            Suppression.objects.create(channel=channel, address=form, kind=kind, reason=reason, detail=detail[:500])
    except IntegrityError:
        return False
    logger.info("address_suppressed", channel=str(channel), reason=str(reason), kind=str(kind))
    return True


def lift(
    *, suppression_ids: Iterable[int], by: User | None, because: str = "", tell: batches.Heard = batches.nobody
) -> int:
    """Send to these again; returns how many were suppressed until now.

    because: why, which is kept; needed for what the recipients asked for themselves. tell: is given those of each
    batch, in its transaction. Raises ValidationException.
    """
    now, keys, why = timezone.now(), list(suppression_ids), plain(because, LONGEST_REASON + 1).strip()
    if not why and is_asked_by_recipient(keys):
        message = _("The recipient asked for this: say why messages go to them again.")
        raise ValidationException.for_field("because", message, "required")
    if len(why) > LONGEST_REASON:
        too_long = _("Give a reason of %(most)s characters at most.") % {"most": LONGEST_REASON}
        raise ValidationException.for_field("because", too_long, "max_length")
    lifted = batches.each(keys, lambda batch: _lift_batch(batch, now, by, why, tell))
    logger.info("suppressions_lifted", count=lifted, by=by.pk if by else None)
    return lifted


def is_asked_by_recipient(suppression_ids: Sequence[int]) -> bool:
    """Whether the recipient of one of these that are live asked for it: by STOP, by a link or by a complaint."""
    live = Suppression.objects.live().asked_by_recipient()
    parts = (suppression_ids[start : start + A_QUERY] for start in range(0, len(suppression_ids), A_QUERY))
    return any(live.filter(pk__in=part).exists() for part in parts)


def _lift_batch(keys: Sequence[int], now: datetime, by: User | None, because: str, tell: batches.Heard) -> int:
    chosen = Suppression.objects.filter(pk__in=keys)
    with transaction.atomic():
        actors.lock_actor(by, "suppressions:lift")
        count = int(chosen.lift(now, by, because))
        tell(list(chosen.filter(lifted_at=now)) if count else [])
    return count


def opt_in(*, address: str, kind: str, by: User) -> None:
    """Whose e-mail address this is wants messages of this kind after all: what they had declined by a link ends."""
    declined = Suppression.objects.of(Channel.EMAIL, [kept_form(Channel.EMAIL, address)]).of_kinds({kind})
    declined.lift(timezone.now(), by)

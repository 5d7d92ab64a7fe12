"""Addresses and numbers that nothing is sent to."""

from collections.abc import Iterable

import structlog
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import User
from foodfleet.core.addresses import normalize_email
from notifications.models import Suppression
from notifications.states import Channel, SuppressionReason

logger = structlog.get_logger(__name__)


def kept_form(channel: Channel | str, address: str) -> str:
    """The form that an address of this channel is kept and compared in."""
    return normalize_email(address) if channel == Channel.EMAIL else address.strip()


def suppressed(channel: Channel | str, addresses: Iterable[str]) -> frozenset[str]:
    """Those of `addresses`, as they were given, that nothing may be sent to."""
    by_form = {kept_form(channel, address): address for address in addresses}
    rows = Suppression.objects.of(channel, by_form).values_list("address", flat=True)
    return frozenset(by_form[form] for form in rows)


def suppress(*, channel: Channel | str, address: str, reason: SuppressionReason, detail: str = "") -> bool:
    """Send nothing to `address` from now on; False where that held already."""
    form = kept_form(channel, address)
    try:
        with transaction.atomic():
            Suppression.objects.create(channel=channel, address=form[:254], reason=reason, detail=detail[:500])
    except IntegrityError:
        return False
    logger.info("address_suppressed", channel=str(channel), reason=str(reason))
    return True


def lift(*, suppression_ids: Iterable[int], by: User | None) -> int:
    """Send to these again; returns how many were suppressed until now."""
    lifted = Suppression.objects.filter(pk__in=list(suppression_ids)).lift(timezone.now(), by)
    logger.info("suppressions_lifted", count=lifted, by=by.pk if by else None)
    return int(lifted)

"""Counts of messages by hour, channel and status for the home page of the admin, and what SMS cost."""

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from django.db.models import Count

from foodfleet.core.database import hourly_counts
from notifications.models import Message, MessageEvent
from notifications.states import Channel, Status

SUBJECT = "message"
COUNTED = 1_000  # of each status: a page does not count a whole table
PRICED = 200  # of the newest SMS
AGAIN = timedelta(days=1)  # the status of a message changes mostly within a day


def count_messages() -> None:
    """Bring the counts up to date."""
    hourly_counts.update(Message.objects.all(), SUBJECT, "channel", "status", again=AGAIN)


def name_of(channel: Channel, status: Status) -> str:
    """Return the name under which these messages are counted."""
    return f"{SUBJECT}:{channel.value}:{status.value}"


def count_by_status(statuses: Sequence[Status]) -> dict[str, int]:
    """Return how many messages to people have each of these statuses, at most COUNTED + 1 of them.

    The statuses need an index: of messages that wait, or of those that were not delivered.
    """
    parts = [_counted(status) for status in statuses]
    return dict(parts[0].union(*parts[1:], all=True))


def _counted(status: Status) -> Any:
    some = Message.objects.filter(status=status).order_by().values("pk")[: COUNTED + 1]
    rows = Message.objects.filter(pk__in=some).to_people().order_by().values("status")
    return rows.annotate(number=Count("pk")).values_list("status", "number")


def reported_sms_prices() -> tuple[Decimal, Decimal] | None:
    """Return the lowest and the highest price, in US dollars, that the provider reported for one of the newest SMS."""
    newest = Message.objects.filter(channel=Channel.SMS).order_by("-created_at", "-id").values("pk")[:PRICED]
    reported = MessageEvent.objects.filter(message__in=newest).values_list("details__price_in_usd", flat=True)
    prices = [price for text in reported.order_by() if (price := _price(text)) is not None]
    return (min(prices), max(prices)) if prices else None


def _price(text: object) -> Decimal | None:
    try:
        price = Decimal(str(text))
    except InvalidOperation:  # no report, or one of another form
        return None
    return price if price.is_finite() else None

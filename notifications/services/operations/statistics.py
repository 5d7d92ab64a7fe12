"""Counts of messages by hour, channel and status for the admin's home page, and prices of SMS."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from django.db.models import Case, IntegerField, Subquery, Value, When

from foodfleet.core.database import hourly_counts
from notifications.models import Message, MessageEvent
from notifications.models.messages import MessageQuerySet
from notifications.services.operations import failures
from notifications.states import ARRIVED, LOST, TO_PEOPLE, Channel, Priority, Status

SUBJECT, FAILURE, TEMPLATE = "message", "failure", f"{hourly_counts.SUMMED}:template"
COUNTED = 1_000  # the maximum that a page counts of each status
RETRIABLE = "retriable"  # the name of the count of messages that can be sent again
PRICED = 200  # of the newest SMS
AGAIN = timedelta(days=1)  # the status of a message changes mostly within a day


def count_messages() -> None:
    """Update the counts of all messages, those by cause of what did not arrive, and those by template."""
    hourly_counts.update(Message.objects.all(), SUBJECT, "channel", "status", again=AGAIN)
    lost = Message.objects.to_people().filter(status__in=LOST)
    hourly_counts.update(failures.with_cause(lost), FAILURE, "cause", again=AGAIN)
    ended = Message.objects.to_people().filter(status__in=(*ARRIVED, *LOST)).exclude(template="")
    outcome = Case(When(status__in=LOST, then=Value("lost")), default=Value("arrived"))
    hourly_counts.update(ended.annotate(outcome=outcome), TEMPLATE, "outcome", "channel", "template", again=AGAIN)


def name_of(channel: Channel, status: Status) -> str:
    """Return the name under which these messages are counted."""
    return f"{SUBJECT}:{channel.value}:{status.value}"


def name_of_cause(code: str) -> str:
    """Return the name under which messages that did not arrive for this cause are counted."""
    return f"{FAILURE}:{code}"


@dataclass(frozen=True)
class Outcomes:
    """The numbers of messages of a period that arrived and that did not."""

    arrived: int
    lost: int

    @property
    def share_lost(self) -> float:
        """Return the share that did not arrive, from 0 to 1."""
        return self.lost / ((self.arrived + self.lost) or 1)


@dataclass(frozen=True)
class TemplateOutcomes:
    """The outcomes of the messages from a template in 24 hours and in 30 days."""

    channel: Channel
    template: str
    day: Outcomes
    month: Outcomes


def by_template(counts: hourly_counts.Recent) -> list[TemplateOutcomes]:
    """Return the templates whose messages failed or came back, the most of them in 30 days first."""
    ends = {name.split(":", 3)[3] for name in counts.month_sums if name.startswith(f"{TEMPLATE}:lost:")}
    found = []
    for end in ends:
        periods = [
            Outcomes(*(sums[f"{TEMPLATE}:{outcome}:{end}"] for outcome in ("arrived", "lost")))
            for sums in (counts.day_sums, counts.month_sums)
        ]
        channel, template = end.split(":", 1)
        found.append(TemplateOutcomes(Channel(channel), template, *periods))
    return sorted(found, key=lambda one: (-one.month.lost, one.template))


def count_by_status(statuses: Sequence[Status], now: datetime) -> dict[str, int]:
    """Return how many messages to people have each of these statuses, and how many of them are RETRIABLE at `now`.

    At most COUNTED + 1 of each, by one query. The statuses must have an index: that of queued messages, or of those
    that were not delivered.
    """
    counted: dict[str, MessageQuerySet] = {status: Message.objects.filter(status=status) for status in statuses}
    counted[RETRIABLE] = Message.objects.retriable(now)
    return dict(zip(counted, _values_of([*map(_count_of, counted.values())]), strict=False))


@dataclass(frozen=True)
class Queue:
    """Waiting messages. due and retriable: at most COUNTED + 1; oldest: when the earliest due message became due."""

    due: int
    retriable: int
    oldest: datetime | None


def queue(now: datetime) -> Queue:
    """Return how many messages wait for a worker or for staff, by one query whose cost does not grow with the queue."""
    waits = Message.objects.waiting().filter(due_at__lte=now), Message.objects.retriable(now)
    columns = [*map(_count_of, waits), *_oldest_of_each_queue(now)]
    due, retriable, *oldest = _values_of(columns) or (0, 0)
    return Queue(due, retriable, min((at for at in oldest if at is not None), default=None))


class _CountOf(Subquery):
    """The number of rows of a queryset, which may be a slice."""

    template = "(SELECT COUNT(*) FROM (%(subquery)s) counted)"
    output_field = IntegerField()


def _count_of(messages: MessageQuerySet) -> _CountOf:
    return _CountOf(messages.to_people().order_by().values("pk")[: COUNTED + 1])


def _values_of(columns: Sequence[Subquery]) -> Sequence[Any]:
    """Return the values of these subqueries, by one query; none if there is no message."""
    row: Any = Message.objects.order_by("pk").values_list(*columns)[:1]  # of any message
    return next(iter(row), ())


def _oldest_of_each_queue(now: datetime) -> list[Any]:
    """Return subqueries for the first due time of each queue of messages to people, which use the queue's index."""
    return [
        Subquery(Message.objects.queued(channel, priority).filter(due_at__lte=now).values("due_at")[:1])
        for channel in TO_PEOPLE
        for priority in Priority
    ]


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

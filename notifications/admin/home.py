"""The cards of messages on the home page of the admin."""

from datetime import timedelta

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.timesince import timesince
from django.utils.translation import gettext_lazy as _

from foodfleet.core.admin.home import Card, Figure, register
from foodfleet.core.cache import rate_limits
from foodfleet.core.database.hourly_counts import Recent
from notifications.services.compose.sms import LIMIT_OF_ALL
from notifications.services.operations import failures, statistics
from notifications.states import LOST, TO_PEOPLE, Channel, Status

LATE = timedelta(minutes=5)  # a warning is shown if a message has been due for longer
NEAR_LIMIT = 0.8  # a warning is shown from this part of the limit
ARRIVED = (Status.SENT, Status.DELIVERED)


def messages(request: HttpRequest, counts: Recent) -> Card:
    """Return the card of the last day's messages by channel."""
    return Card(
        _("Messages in 24 hours"),
        [figure for channel in TO_PEOPLE for figure in _of_channel(channel, counts)],
        note=_("Delivery rate: the share that arrived. Counted every five minutes."),
    )


def _of_channel(channel: Channel, counts: Recent) -> list[Figure]:
    listed = reverse("admin:notifications_message_changelist")
    by_status = {status: sum(counts.by_hour(statistics.name_of(channel, status))) for status in Status}
    arrived, lost = (sum(by_status[status] for status in some) for some in (ARRIVED, LOST))
    rate = f"{100 * arrived / (arrived + lost):.1f} %" if arrived + lost else "–"
    link = f"{listed}?channel__exact={channel.value}"
    tone = "bad" if lost > arrived else "warn" if lost else ""
    name = {"channel": channel.label}
    return [
        Figure(_("%(channel)s: all") % name, sum(by_status.values()), link),
        Figure(_("%(channel)s: failed or returned") % name, lost, f"{link}&lost=yes", tone),
        Figure(_("%(channel)s: delivery rate") % name, rate),
    ]


def causes(request: HttpRequest, counts: Recent) -> Card:
    """Return the card of causes why messages of the last day did not arrive, the most frequent first."""
    listed = reverse("admin:notifications_message_changelist")
    numbers = {one: sum(counts.by_hour(statistics.name_of_cause(one.code))) for one in failures.of_lost_messages()}
    found = sorted((one for one in numbers if numbers[one]), key=lambda one: -numbers[one])
    figures = [Figure(one.label, numbers[one], f"{listed}?lost=yes&cause={one.code}") for one in found]
    return Card(
        _("Why messages did not arrive"),
        figures,
        note=_("In 24 hours.") if figures else _("None failed or came back in 24 hours."),
    )


def queue(request: HttpRequest, counts: Recent) -> Card:
    """Return the card of messages that wait for a worker or for staff, and of the usage of the SMS limit."""
    now = timezone.now()
    waits = statistics.queue(now)
    listed = reverse("admin:notifications_message_changelist")
    is_late = waits.oldest is not None and now - waits.oldest > LATE
    late, again = "warn" if is_late else "", "warn" if waits.retriable else ""
    figures = [
        Figure(_("Due and not sent"), statistics.capped(waits.due), f"{listed}?status__exact=queued", late),
        Figure(_("Oldest of them"), timesince(waits.oldest, now, depth=1) if waits.oldest else "–"),
        Figure(_("Failed, can be sent again"), statistics.capped(waits.retriable), f"{listed}?retriable=yes", again),
        *_sms_limit(),
    ]
    return Card(_("Queue"), figures)


def _sms_limit() -> list[Figure]:
    limit = settings.SMS_LIMITS["all"]
    if limit is None:
        return []
    most, seconds = limit
    used = rate_limits.used_of_window(LIMIT_OF_ALL, seconds=seconds)
    tone = "bad" if used >= most else "warn" if used >= NEAR_LIMIT * most else ""
    return [
        Figure(_("SMS counted against the limit"), _("%(used)s of %(most)s") % {"used": used, "most": most}, tone=tone)
    ]


register("notifications:read", queue)
register("notifications:read", messages)
register("notifications:read", causes)

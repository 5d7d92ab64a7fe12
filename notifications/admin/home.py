"""The cards of messages on the home page of the admin."""

from datetime import timedelta
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.timesince import timesince
from django.utils.translation import gettext_lazy as _

from foodfleet.core.admin.home import Card, Figure, Row, Table, charts_of, register, register_waiting
from foodfleet.core.admin.lists import capped
from foodfleet.core.cache import rate_limits
from foodfleet.core.database.hourly_counts import Recent
from notifications.services.compose.sms import LIMIT_OF_ALL
from notifications.services.operations import failures, statistics
from notifications.states import ARRIVED, LOST, TO_PEOPLE, Channel, Status

LATE = timedelta(minutes=5)  # a warning is shown if a message has been due for longer
NEAR_LIMIT = 0.8  # a warning is shown from this part of the limit
SEND = "notifications:send"
MOST_TEMPLATES = 8


def messages(request: HttpRequest, counts: Recent) -> Card:
    """Return the card of the last day's messages by channel."""
    return Card(
        _("Messages in 24 hours"),
        [figure for channel in TO_PEOPLE for figure in _of_channel(channel, counts)],
        note=_("Delivery rate: the share that arrived. Counted every five minutes."),
    )


def by_status(request: HttpRequest, counts: Recent) -> Card:
    """Return the card of messages by hour and by day, and by channel and status."""
    names = [
        [statistics.name_of(channel, status) for channel in TO_PEOPLE for status in some] for some in (ARRIVED, LOST)
    ]
    arrived, lost = names
    charts = charts_of(counts, (_("Arrived"), arrived, "good"), (_("Failed or returned"), lost, "bad"))
    listed = reverse("admin:notifications_message_changelist")
    periods = ((counts.by_hour, _("24 hours")), (counts.by_day, _("30 days")))
    columns = [f"{channel.label}, {length}" for _count, length in periods for channel in TO_PEOPLE]
    rows = [
        Row(
            status.label,
            [sum(count(statistics.name_of(channel, status))) for count, _length in periods for channel in TO_PEOPLE],
            f"{listed}?status__exact={status.value}",
        )
        for status in Status
    ]
    return Card(_("Messages by status"), charts=charts, table=Table([_("Status"), *columns], rows))


def templates(request: HttpRequest, counts: Recent) -> Card:
    """Return the card of the templates with the most failures: a high share of few messages says little."""
    found = statistics.by_template(counts)[:MOST_TEMPLATES]
    if not found:
        return Card(_("Failures by template"), note=_("No message failed or came back in 30 days."))
    listed = reverse("admin:notifications_message_changelist")
    rows = [
        Row(
            f"{one.template} · {one.channel.label}",
            [_share(one.day), _share(one.month)],
            f"{listed}?{urlencode({'lost': 'yes', 'channel__exact': one.channel.value, 'template': one.template})}",
        )
        for one in found
    ]
    columns = [_("Template"), _("24 hours"), _("30 days")]
    note = _("Messages that failed or came back, and their share. The most in 30 days come first.")
    return Card(_("Failures by template"), table=Table(columns, rows), note=note)


def _share(outcomes: statistics.Outcomes) -> str:
    words = {"used": outcomes.lost, "most": outcomes.lost + outcomes.arrived}
    return f"{100 * outcomes.share_lost:.1f} % ({_('%(used)s of %(most)s') % words})" if words["most"] else "–"


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
    """Return the card of messages that wait for a worker, and of the usage of the SMS limit."""
    now = timezone.now()
    waits = _queue(request)
    listed = reverse("admin:notifications_message_changelist")
    is_late = waits.oldest is not None and now - waits.oldest > LATE
    figures = [
        Figure(
            _("Due and not sent"),
            str(capped(waits.due, statistics.COUNTED)),
            f"{listed}?status__exact=queued",
            "warn" if is_late else "",
        ),
        Figure(_("Oldest of them"), timesince(waits.oldest, now, depth=1) if waits.oldest else "–"),
        *([] if request.user.has_perm(SEND) else [failed(request)]),
        *_sms_limit(),
    ]
    return Card(_("Queue"), figures)


def failed(request: HttpRequest) -> Figure:
    """Return the number of messages that staff can send again: on the first card for those who may."""
    count = _queue(request).retriable
    link = f"{reverse('admin:notifications_message_changelist')}?retriable=yes"
    return Figure(_("Failed, can be sent again"), str(capped(count, statistics.COUNTED)), link, "warn" if count else "")


def _queue(request: HttpRequest) -> statistics.Queue:
    """Return what waits, with one query for each request."""
    if not hasattr(request, "queue"):
        request.queue = statistics.queue(timezone.now())  # type: ignore[attr-defined]
    found: statistics.Queue = request.queue  # type: ignore[attr-defined]
    return found


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


register_waiting(SEND, failed)
for card in (queue, messages, causes, templates, by_status):
    register("notifications:read", card)

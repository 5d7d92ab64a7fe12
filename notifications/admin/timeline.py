"""The timeline on the page of a message, and how addresses are shown."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib import admin
from django.forms.models import BaseInlineFormSet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.admin import TabularInline

from accounts.models import User
from foodfleet.core.admin.lists import ReadOnlyMixin
from notifications.models import Message, MessageEvent
from notifications.services.operations import failures
from notifications.states import LOST, Channel, Status

# Labels of an event's details, in the order in which they are shown. Other details follow under their own names.
LABELS = {
    "attempt": _("attempt"),
    "status_code": _("status code"),
    "duration_ms": _("milliseconds"),
    "error": _("error"),
    "next_try_at": _("next try"),
    "by": _("by"),
    "kind": _("kind"),
    "reason": _("reason"),
    "diagnostic": _("diagnosis"),
    "answer": _("answer"),
    "until": _("until"),
    "price_in_usd": _("price in US dollars"),
    "recipients": _("recipients"),
}
TIMES = frozenset({"next_try_at", "until"})


def isolated(*texts: str) -> SafeString:
    """Isolate addresses and numbers as left-to-right text: in Arabic, `+1555` would be shown as `1555+`."""
    return format_html_join(" ", '<bdi dir="ltr">{}</bdi>', ((text,) for text in texts))


def listed(addresses: Iterable[str]) -> SafeString | str:
    """List addresses, each isolated; a dash for none."""
    return format_html_join(", ", '<bdi dir="ltr">{}</bdi>', ((address,) for address in addresses)) or "-"


class Timeline(BaseInlineFormSet):  # type: ignore[type-arg]
    """The events of a message, with the e-mail addresses of the staff who caused them."""

    def get_queryset(self) -> Any:
        events = super().get_queryset()
        if not hasattr(self, "people"):
            ids = {event.details.get("by") for event in events} - {None}
            self.people = dict(User.objects.filter(pk__in=ids).values_list("pk", "email")) if ids else {}
            for event in events:
                event.by = self.people.get(event.details.get("by"))
        return events


class TimelineInline(ReadOnlyMixin, TabularInline):
    """The events of a message, for all users who may see the message."""

    template = "admin/notifications/lines.html"
    extra = 0

    model = MessageEvent
    formset = Timeline
    verbose_name_plural = _("timeline")
    fields = readonly_fields = ("at", "type", "details_shown")

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return True

    @admin.display(description=_("details"))
    def details_shown(self, event: Any) -> str:
        """Show the details with their labels, and staff by e-mail address."""
        return _details({**event.details, "by": event.by} if event.by else event.details)


def timeline_of(message: Message) -> SafeString:
    """Return the events of a message as an HTML list, for the page of a webhook delivery."""
    rows = [
        (
            date_format(timezone.localtime(event.at), "DATETIME_FORMAT"),
            event.get_type_display(),
            _details(event.details),
        )
        for event in message.events.all()
    ]
    return format_html("<ol>{}</ol>", format_html_join("", "<li>{} · {} · {}</li>", rows))


@dataclass(frozen=True)
class State:
    """The state of a message or endpoint in words, and what to do. tone: `good`, `warn`, `bad` or ''."""

    sentence: str
    what_to_do: str = ""
    tone: str = ""


TONES = {Status.DELIVERED: "good", Status.QUEUED: "warn", Status.CANCELLED: "warn", Status.SUPPRESSED: "warn"}


EXPIRED = _("It is of no more use and cannot be sent again. Ask the person to request a new one if it is still needed.")
EMPTIED = _("Its content was removed, so it cannot be sent again. Send a new message if it is still needed.")


def state_of(message: Message, *, can_retry: bool = True) -> State:
    """Return the state of a message, why it did not arrive, and what to do."""
    failure = failures.explain(message)
    if failure is not None:
        words = {"status": message.get_status_display(), "why": failure.why}
        sentence = str(_("%(status)s: %(why)s") % words)
        if message.status == Status.QUEUED:
            next_try = _at(_("Next try: %(time)s"), message.due_at)
            sentence = f"{sentence} {next_try}"
        what_to_do = failure.what_to_do
        if message.status == Status.FAILED and not can_retry:
            what_to_do = EXPIRED if message.expires_at and message.expires_at <= timezone.now() else EMPTIED
        return State(sentence, str(what_to_do), TONES.get(Status(message.status), "bad"))
    return State(_progress(message), tone="good" if message.status == Status.DELIVERED else "")


def _progress(message: Message) -> str:
    """Return the progress of a message without a failure."""
    if message.status == Status.DELIVERED:
        return str(_("Delivered: the recipient’s server or phone network accepted it."))
    if message.status == Status.SENT and message.channel == Channel.WEBHOOK:
        return str(_("Delivered: the receiver accepted it."))
    if message.status == Status.SENT:
        return str(_("Sent: the provider accepted it. Whether it arrived is not known yet."))
    if message.status == Status.SENDING:
        return str(_("It is being sent now."))
    return _at(_("Waits to be sent. Due: %(time)s"), message.due_at)


def _at(sentence: Any, time: datetime) -> str:
    return str(sentence % {"time": date_format(timezone.localtime(time), "DATETIME_FORMAT")})


def status_tag(value: str) -> SafeString:
    """Return a status as a label with a colour."""
    status = Status(value)
    tone = "bad" if status in LOST else TONES.get(status, "")
    return format_html('<span class="tag {}">{}</span>', tone, status.label)


def _details(shown: dict[str, Any]) -> SafeString:
    names = [name for name in [*LABELS, *sorted(shown.keys() - LABELS.keys())] if shown.get(name) is not None]
    return format_html_join("; ", "{}: {}", [(LABELS.get(name, name), _format(name, shown[name])) for name in names])


def _format(name: str, value: Any) -> str:
    """Format a value, isolated in its own text direction."""
    time = _parse_time(value) if name in TIMES else None
    if time is not None:
        return date_format(timezone.localtime(time), "DATETIME_FORMAT")
    return listed(map(str, value)) if isinstance(value, list) else format_html("<bdi>{}</bdi>", value)


def _parse_time(value: Any) -> datetime | None:
    """Return the time; None for other text, and for a time without a zone."""
    try:
        time = parse_datetime(str(value))
    except ValueError:
        return None
    return time if time is not None and timezone.is_aware(time) else None

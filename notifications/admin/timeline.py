"""What happened to a message, line by line, under its page."""

from datetime import datetime
from typing import Any

from django.contrib import admin
from django.forms.models import BaseInlineFormSet
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from notifications.admin.addresses import listed
from notifications.admin.read_only import ReadOnlyInline
from notifications.models import MessageEvent

# How what a line keeps is called, in the order that it is told in: PostgreSQL keeps none. What a provider may come to
# report beside these stands behind them, under its own name.
LABELS = {
    "attempt": _("attempt"),
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
MOMENTS = frozenset({"next_try_at", "until"})


class Timeline(BaseInlineFormSet):  # type: ignore[type-arg]
    """The lines of a message, with the addresses of those who did something to it."""

    def get_queryset(self) -> Any:
        events = super().get_queryset()
        if not hasattr(self, "people"):
            ids = {event.details.get("by") for event in events} - {None}
            self.people = dict(User.objects.filter(pk__in=ids).values_list("pk", "email")) if ids else {}
            for event in events:
                event.by = self.people.get(event.details.get("by"))
        return events


class TimelineInline(ReadOnlyInline):
    """What happened to a message, line by line."""

    model = MessageEvent
    formset = Timeline
    verbose_name_plural = _("timeline")
    fields = readonly_fields = ("at", "type", "details_shown")

    @admin.display(description=_("details"))
    def details_shown(self, event: Any) -> str:
        """Names with their values; who is known by address rather than by number."""
        shown = {**event.details, "by": event.by} if event.by else event.details
        names = [name for name in [*LABELS, *sorted(shown.keys() - LABELS.keys())] if shown.get(name) is not None]
        return format_html_join("; ", "{}: {}", [(LABELS.get(name, name), _words(name, shown[name])) for name in names])


def _words(name: str, value: Any) -> str:
    """A value for people, in the direction of its own words."""
    moment = _moment(value) if name in MOMENTS else None
    if moment is not None:
        return date_format(timezone.localtime(moment), "DATETIME_FORMAT")
    return listed(map(str, value)) if isinstance(value, list) else format_html("<bdi>{}</bdi>", value)


def _moment(value: Any) -> datetime | None:
    """What is none, or of no time zone, is shown as it came."""
    try:
        moment = parse_datetime(str(value))
    except ValueError:
        return None
    return moment if moment is not None and timezone.is_aware(moment) else None

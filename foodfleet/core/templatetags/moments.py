"""Moments as pages tell them."""

from datetime import datetime, timedelta

from django import template
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()
EXACT_TO = timedelta(minutes=5)  # sessions note no more exactly than this when they were used


@register.filter
def is_recent(moment: datetime | None) -> bool:
    """Whether it was so short a time ago that a number of minutes would claim more than is known."""
    return moment is not None and timezone.now() - moment < EXACT_TO


@register.simple_tag
def local_time(moment: datetime) -> SafeString:
    """Date and time in UTC, which site.js writes in the browser's own zone."""
    text = date_format(moment, "DATETIME_FORMAT")
    return format_html('<time datetime="{}" data-local="time">{} UTC</time>', moment.isoformat(), text)


@register.simple_tag
def local_date(moment: datetime) -> SafeString:
    """The date alone, likewise."""
    text = date_format(moment, "DATE_FORMAT")
    return format_html('<time datetime="{}" data-local="date">{}</time>', moment.isoformat(), text)

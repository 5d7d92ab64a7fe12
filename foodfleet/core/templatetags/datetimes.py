"""Dates and times on pages."""

from datetime import datetime, timedelta

from django import template
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()
EXACT_TO = timedelta(minutes=5)  # the precision with which sessions record their last use


@register.filter
def is_recent(value: datetime | None) -> bool:
    """Return whether the time is too recent to show minutes exactly."""
    return value is not None and timezone.now() - value < EXACT_TO


@register.simple_tag
def local_time(value: datetime) -> SafeString:
    """Show date and time in UTC; site.js converts them to the browser's time zone."""
    text = date_format(value, "DATETIME_FORMAT")
    return format_html('<time datetime="{}" data-local="time">{} UTC</time>', value.isoformat(), text)


@register.simple_tag
def local_date(value: datetime) -> SafeString:
    """Show the date in UTC; site.js converts it to the browser's time zone."""
    text = date_format(value, "DATE_FORMAT")
    return format_html('<time datetime="{}" data-local="date">{}</time>', value.isoformat(), text)

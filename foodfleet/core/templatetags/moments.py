"""Moments as pages tell them."""

from datetime import datetime, timedelta

from django import template
from django.utils import timezone

register = template.Library()
EXACT_TO = timedelta(minutes=5)  # sessions note no more exactly than this when they were used


@register.filter
def is_recent(moment: datetime | None) -> bool:
    """Whether it was so short a time ago that a number of minutes would claim more than is known."""
    return moment is not None and timezone.now() - moment < EXACT_TO

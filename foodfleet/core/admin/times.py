"""Times in lists: relative to now, with the exact time as tooltip."""

from datetime import datetime, timedelta
from typing import Any

from django.contrib.humanize.templatetags.humanize import naturaltime
from django.db import models
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString

DAY = timedelta(days=1)
RECENT = timedelta(days=7)  # an older time is shown as a date


def relative(time: datetime | None) -> SafeString | str:
    """Return a recent time as "2 hours ago", any other as its date, and None as `-`."""
    if time is None:
        return "-"
    local, age = timezone.localtime(time), timezone.now() - time
    text = _ago(age) if timedelta() <= age < RECENT else date_format(local, "j M Y")
    exact = f"{date_format(local, 'DATETIME_FORMAT')} {local:%Z}"
    return format_html('<time class="when" datetime="{}" title="{}">{}</time>', time.isoformat(), exact, text)


def _ago(age: timedelta) -> str:
    """Return the age in one unit: minutes do not matter after a day."""
    return str(naturaltime(timezone.now() - (timedelta(days=age.days) if age >= DAY else age)))


class When:
    """A column of a list for a field with a time."""

    def __init__(self, field: "models.DateTimeField[Any, Any]") -> None:
        self.__name__ = field.name
        self.short_description = field.verbose_name
        self.admin_order_field = field.name

    def __eq__(self, other: object) -> bool:
        return isinstance(other, When) and other.__name__ == self.__name__  # Django looks it up in the list of columns

    def __hash__(self) -> int:
        return hash(self.__name__)

    def __call__(self, row: Any) -> SafeString | str:
        return relative(getattr(row, self.__name__))

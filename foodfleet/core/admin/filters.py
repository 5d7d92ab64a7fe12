"""Filters of lists: yes or no, and values typed into a form above the list."""

from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Any, ClassVar

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext_lazy as _

from foodfleet.core.admin.base import BaseAdmin


class YesFilter(admin.SimpleListFilter):
    """All rows, or those that `chosen` returns."""

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("yes", _("Yes"))]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return self.chosen(queryset) if self.value() == "yes" else queryset

    def chosen(self, queryset: Any) -> Any:
        """Return the rows to show for "Yes"."""
        raise NotImplementedError


class YesNoFilter(YesFilter):
    """All rows, those that `chosen` returns, or those that `others` returns."""

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("yes", _("Yes")), ("no", _("No"))]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return self.others(queryset) if self.value() == "no" else super().queryset(request, queryset)

    def others(self, queryset: Any) -> Any:
        """Return the rows to show for "No"."""
        raise NotImplementedError


class TypedFilter(admin.SimpleListFilter):
    """A filter by one typed value.

    lookup: of the column; kind: the type of the input; example: its placeholder. Django's column of filters shows it
    only while it is set, so that it can be removed.
    """

    parameter_name: str
    lookup: ClassVar[str]
    kind: ClassVar[str] = "text"
    example: ClassVar[str] = ""

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        value = self.value()
        return [(value, value)] if value else []

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        value = self.value()
        if not value:
            return queryset
        try:
            return queryset.filter((self.lookup, self.parsed(value)))
        except (ValueError, OverflowError) as error:
            raise IncorrectLookupParameters(error) from error

    def parsed(self, value: str) -> Any:
        """Return the value to compare with. Raises ValueError."""
        return value


class AddressFilter(TypedFilter):
    """Filters by an IP address."""

    title = _("IP address")
    parameter_name = "ip"
    lookup = "ip"

    def parsed(self, value: str) -> str:
        return str(ip_address(value.strip()))


class TimeFilter(TypedFilter):
    """Filters by a time in UTC."""

    kind = "datetime-local"

    def parsed(self, value: str) -> datetime:
        time = parse_datetime(value)
        if time is None:
            raise ValueError(value)
        return (timezone.make_aware(time) if timezone.is_naive(time) else time).astimezone(UTC)


class SinceFilter(TimeFilter):
    """Filters events at or after a time."""

    title = _("From (UTC)")
    parameter_name = "since"
    lookup = "created_at__gte"


class UntilFilter(TimeFilter):
    """Filters events before a time."""

    title = _("Before (UTC)")
    parameter_name = "until"
    lookup = "created_at__lt"


class TypedFiltersAdmin(BaseAdmin):
    """An admin whose list has its typed filters above it."""

    list_before_template = "admin/typed_filters.html"

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Add the inputs. Submitting them keeps the other filters and the search."""
        typed = fields(self, request)
        dropped = {"p", "e", *(field["name"] for field in typed)}
        others = [(name, value) for name, value in request.GET.items() if name not in dropped]
        context = {"typed_fields": typed, "other_filters": others, **(extra_context or {})}
        return super().changelist_view(request, context)


def fields(model_admin: Any, request: HttpRequest) -> list[dict[str, Any]]:
    """Return the inputs for the typed filters of an admin's list."""
    typed = [one for one in model_admin.list_filter if isinstance(one, type) and issubclass(one, TypedFilter)]
    return [
        {
            "name": one.parameter_name,
            "label": one.title,
            "type": one.kind,
            "value": request.GET.get(one.parameter_name, ""),
            "example": one.example,
        }
        for one in typed
    ]

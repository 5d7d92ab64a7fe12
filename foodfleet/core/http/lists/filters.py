"""Filters of lists: django-filter's, with validation as strict as that of serializers.

A view names its FilterSet in `filterset_class`. An invalid value is a validation error, also an empty one, which
django-filter alone ignores.
"""

from datetime import UTC, datetime
from typing import Any

import django_filters
from django import forms
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _
from django_filters.fields import IsoDateTimeField
from django_filters.rest_framework import DjangoFilterBackend
from drf_spectacular.utils import extend_schema_field
from rest_framework.request import Request

from foodfleet.core.models import LARGEST_ID

TRUE_FALSE = {"true": True, "false": False}
MAX_SEARCH_LENGTH = 200


class FilterBackend(DjangoFilterBackend):
    """django-filter's backend, without the cost of a form for requests without filters."""

    def filter_queryset(self, request: Request, queryset: QuerySet[Any], view: Any) -> QuerySet[Any]:
        """Apply the filters that the request names. Raises the REST framework's ValidationError."""
        filterset_class = getattr(view, "filterset_class", None)
        if filterset_class is None or filterset_class.base_filters.keys().isdisjoint(request.query_params):
            return queryset
        found: QuerySet[Any] = super().filter_queryset(request, queryset, view)
        return found


class TrueFalseField(forms.Field):
    """`true` or `false`."""

    default_error_messages = {"invalid": _("Enter true or false.")}

    def clean(self, value: str | None) -> bool | None:
        """Return the value, None for a parameter that is missing."""
        if value is not None and value not in TRUE_FALSE:
            raise ValidationError(self.error_messages["invalid"], code="invalid")
        return None if value is None else TRUE_FALSE[value]


class TrueFalseFilter(django_filters.BooleanFilter):
    """A filter by `true` or `false`. django-filter's own ignores all other words."""

    field_class = TrueFalseField


class StrictChoiceField(forms.ChoiceField):
    """A choice field that refuses an empty value."""

    widget = forms.TextInput  # distinguishes a missing parameter from an empty one

    def clean(self, value: str | None) -> Any:
        """Return the choice, an empty string for a parameter that is missing."""
        if value is not None and not self.valid_value(value):
            raise ValidationError(self.error_messages["invalid_choice"], code="invalid_choice", params={"value": value})
        return value or ""


class OneOfFilter(django_filters.ChoiceFilter):
    """A filter by one of a closed set of values."""

    field_class = StrictChoiceField

    def __init__(self, choices: Any, **kwargs: Any) -> None:
        super().__init__(choices=choices, **kwargs)
        for name in ("null_label", "null_value", "empty_label"):  # of the library's own field
            self.extra.pop(name, None)


class NeverEmpty(forms.Field):
    """A field for which an empty value is a wrong one."""

    def clean(self, value: str | None) -> Any:
        """Return the value, an empty one for a parameter that is missing."""
        cleaned = super().clean(value)
        if value is not None and cleaned in self.empty_values:
            raise ValidationError(self.error_messages["invalid"], code="invalid")
        return cleaned


class UTCDateTimeField(NeverEmpty, IsoDateTimeField):
    """A time in ISO 8601, in UTC unless it has an offset."""

    def to_python(self, value: Any) -> datetime | None:
        """Return the time in UTC."""
        time: datetime | None = super().to_python(value)
        try:
            return time and time.astimezone(UTC)
        except OverflowError:  # beyond the years that databases support
            raise ValidationError(self.error_messages["invalid"], code="invalid") from None


class IdField(NeverEmpty, forms.IntegerField):
    """The id of a row."""


class AddressField(NeverEmpty, forms.GenericIPAddressField):
    """An IP address."""

    default_error_messages = {"invalid": _("Enter a valid IPv4 or IPv6 address.")}


class UTCDateTimeFilter(django_filters.IsoDateTimeFilter):
    """A filter by a time in ISO 8601."""

    field_class = UTCDateTimeField


@extend_schema_field({"type": "integer", "minimum": 1, "maximum": LARGEST_ID})
class IdFilter(django_filters.NumberFilter):
    """A filter by the id of a row."""

    field_class = IdField

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(min_value=1, max_value=LARGEST_ID, **kwargs)


@extend_schema_field({"anyOf": [{"type": "string", "format": "ipv4"}, {"type": "string", "format": "ipv6"}]})
class AddressFilter(django_filters.CharFilter):
    """A filter by an IP address, in any notation."""

    field_class = AddressField


class SearchFilterSet(django_filters.FilterSet):
    """A FilterSet with `?search=`, which calls the method `search` of the list's QuerySet."""

    search = django_filters.CharFilter(method="find", max_length=MAX_SEARCH_LENGTH)

    def find(self, queryset: Any, name: str, value: str) -> Any:
        """Return the rows that match the text."""
        return queryset.search(value)

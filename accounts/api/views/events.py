"""Security events: the caller's own, and for staff those of all users."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import django_filters
from django import forms
from django.core.exceptions import ValidationError
from django_filters.fields import IsoDateTimeField
from django_filters.rest_framework import DjangoFilterBackend
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics
from rest_framework.request import Request

from accounts.api.serializers.sessions import SecurityEventSerializer, StaffEventSerializer
from accounts.api.views.base import signed_in_user
from accounts.models import SecurityEvent
from accounts.services import audit
from accounts.states import EventKind
from foodfleet.core.http.access import SIGNED_IN
from foodfleet.core.http.csv_export import CSVExportMixin, csv_response
from rbac.api.guards import require_permission


class EventsView(generics.ListAPIView[SecurityEvent]):
    """Security events of the caller's account."""

    serializer_class = SecurityEventSerializer
    access = SIGNED_IN
    ordering_fields = ["created_at"]
    ordering = "-created_at"

    def get_queryset(self) -> Any:
        return audit.of_user(signed_in_user(self.request))


class _AddressFilter(django_filters.CharFilter):
    field_class = forms.GenericIPAddressField


class _MomentField(IsoDateTimeField):
    def to_python(self, value: Any) -> datetime | None:
        moment: datetime | None = super().to_python(value)
        try:
            return moment and moment.astimezone(UTC)
        except OverflowError:  # in no year that a database knows
            raise ValidationError(self.error_messages["invalid"], code="invalid") from None


class _MomentFilter(django_filters.IsoDateTimeFilter):
    field_class = _MomentField


class EventFilter(django_filters.FilterSet):
    """Filters of the list of security events."""

    user = django_filters.NumberFilter(field_name="user_id", min_value=1, max_value=2**63 - 1, help_text="A user's id.")
    kind = django_filters.ChoiceFilter(choices=EventKind.choices)
    ip = _AddressFilter(field_name="ip", help_text="An IP address.")
    since = _MomentFilter(field_name="created_at", lookup_expr="gte", help_text="From this time on.")
    until = _MomentFilter(field_name="created_at", lookup_expr="lt", help_text="Before this time.")


@require_permission("events", "read")
class AllEventsView(CSVExportMixin, generics.ListAPIView[SecurityEvent]):
    """The security events of all users."""

    serializer_class = StaffEventSerializer
    filter_backends = [DjangoFilterBackend]
    filterset_class = EventFilter
    ordering_fields = ["created_at"]
    ordering = "-created_at"
    queryset = SecurityEvent.objects.none()

    def get_queryset(self) -> Any:
        return SecurityEvent.objects.with_people()

    @extend_schema(parameters=[OpenApiParameter("format", OpenApiTypes.STR, enum=["json", "csv"])])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Any:
        """List the events, the newest first; `?format=csv` downloads all that match as one file."""
        if request.accepted_renderer.format == "csv":
            return csv_response("security-events.csv", audit.CSV_COLUMNS, self._rows())
        return super().get(request, *args, **kwargs)

    def _rows(self) -> Iterator[Any]:
        found: Any = self.filter_queryset(self.get_queryset())
        return audit.csv_rows(found)

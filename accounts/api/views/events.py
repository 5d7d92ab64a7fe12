"""Security events: the caller's own, and for staff those of all users."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import generics
from rest_framework.request import Request

from accounts.api.filters import EventFilter
from accounts.api.serializers.sessions import SecurityEventSerializer, StaffEventSerializer
from accounts.models import SecurityEvent
from accounts.models.users import signed_in_user
from accounts.services import audit
from foodfleet.core.exceptions import NotFoundException
from foodfleet.core.http.access import SIGNED_IN
from foodfleet.core.http.clients import client_of
from foodfleet.core.http.lists.csv_export import FORMAT, CSVExportMixin, csv_response
from foodfleet.core.http.schema import raises
from rbac.api.guards import require_permission


class EventsView(generics.ListAPIView[SecurityEvent]):
    """Security events of the caller's account."""

    serializer_class = SecurityEventSerializer
    queryset = SecurityEvent.objects.none()
    access = SIGNED_IN
    ordering_fields = ["created_at"]
    ordering = "-created_at"

    def get_queryset(self) -> Any:
        return audit.of_user(signed_in_user(self.request))


@require_permission("events", "read")
class AllEventsView(CSVExportMixin, generics.ListAPIView[SecurityEvent]):
    """The security events of all users."""

    serializer_class = StaffEventSerializer
    filterset_class = EventFilter
    ordering_fields = ["created_at"]
    ordering = "-created_at"
    queryset = SecurityEvent.objects.none()

    def get_queryset(self) -> Any:
        return SecurityEvent.objects.with_people()

    @raises(NotFoundException)
    @extend_schema(parameters=[FORMAT])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Any:
        """List the events, newest first; `?format=csv` downloads all that match as one file."""
        if request.accepted_renderer.format == "csv":
            found = self.matching(self.get_queryset())
            user, client = signed_in_user(request), client_of(request)
            rows = audit.export(found=found, filters=list(request.query_params), actor=user, client=client)
            return csv_response("security-events.csv", audit.CSV_COLUMNS, rows)
        return super().get(request, *args, **kwargs)

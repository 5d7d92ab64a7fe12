"""Suppressed addresses and numbers."""

from drf_spectacular.utils import extend_schema
from rest_framework import status, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models.users import signed_in_user
from foodfleet.core.http.clients import client_of
from foodfleet.core.http.schema import raises
from notifications.api.filters import SuppressionFilter
from notifications.api.serializers.suppressions import (
    SuppressionCreateSerializer,
    SuppressionLiftSerializer,
    SuppressionSerializer,
)
from notifications.exceptions import (
    AlreadyLiftedException,
    AlreadySuppressedException,
    SuppressionNotFoundException,
)
from notifications.models import Suppression
from notifications.services.audience import suppression as service
from rbac.api.guards import ActionPermission


class SuppressionViewSet(viewsets.GenericViewSet[Suppression]):
    """Addresses and numbers that get no messages, or none of one kind."""

    permission_classes = [ActionPermission]
    access_resource = "suppressions"
    serializer_class = SuppressionSerializer
    queryset = Suppression.objects.all()
    filterset_class = SuppressionFilter
    lookup_value_regex = "[0-9]{1,18}"
    ordering = "-id"
    ordering_fields = ("id",)

    @extend_schema(responses=SuppressionSerializer(many=True))
    def list(self, request: Request) -> Response:
        """List suppressions, the newest first; lifted ones too."""
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    @raises(SuppressionNotFoundException)
    def retrieve(self, request: Request, pk: str) -> Response:
        """Get a suppression."""
        return Response(self.get_serializer(service.find_one(int(pk))).data)

    @raises(AlreadySuppressedException)
    @extend_schema(request=SuppressionCreateSerializer, responses={201: SuppressionSerializer})
    def create(self, request: Request) -> Response:
        """Suppress an address or number; 409 if it is suppressed already."""
        serializer = SuppressionCreateSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        new = service.NewSuppression(**serializer.validated_data)
        row = service.suppress_by_staff(new=new, by=signed_in_user(request), client=client_of(request))
        return Response(self.get_serializer(row).data, status=status.HTTP_201_CREATED)

    @raises(SuppressionNotFoundException, AlreadyLiftedException)
    @extend_schema(request=SuppressionLiftSerializer)
    @action(detail=True, methods=["post"])
    def lift(self, request: Request, pk: str) -> Response:
        """Send to the address again; 409 if it was lifted before.

        Suppressions that the recipient requested need `recipient_agreed`.
        """
        serializer = SuppressionLiftSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        row = service.lift_one(
            suppression_id=int(pk),
            by=signed_in_user(request),
            client=client_of(request),
            **serializer.validated_data,
        )
        return Response(self.get_serializer(row).data)

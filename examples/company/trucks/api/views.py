"""The API of trucks."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from foodfleet.core.http import serializers
from foodfleet.core.http.clients import client_of
from foodfleet.core.http.schema import raises
from foodfleet.core.http.serializers import validated
from rbac.api.guards import ActionPermission
from rbac.api.serializers import ScopeField
from rbac.models import ScopedQuerySet
from trucks.exceptions import FleetFullException, TruckExistsException
from trucks.models import Truck
from trucks.services import trucks


class TruckSerializer(serializers.ModelSerializer[Truck]):
    """A truck."""

    class Meta:
        model = Truck
        fields = ["id", "name", "scope"]
        read_only_fields = fields


class NewTruckSerializer(serializers.Serializer[Any]):
    """A new truck."""

    name = serializers.CharField(max_length=150)
    scope = ScopeField(required=True, help_text="The fleet, such as fleet:12. Null: none.")


class TruckViewSet(GenericViewSet[Truck]):
    """Trucks."""

    permission_classes = [ActionPermission]
    access_resource = "trucks"
    scoped_actions = frozenset({"list", "create"})  # in the user's fleets alone
    serializer_class = TruckSerializer
    queryset = Truck.objects.none()
    ordering = "name"
    ordering_fields = ("name", "id")
    http_method_names = ["get", "post", "head", "options"]

    def get_queryset(self) -> ScopedQuerySet[Truck]:
        return Truck.objects.visible_to(self.request.user, trucks.READ)

    @extend_schema(operation_id="listTrucks", summary="List trucks")
    def list(self, request: Request) -> Response:
        """List the trucks of your fleets, by name."""
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    @extend_schema(
        operation_id="addTruck",
        summary="Add a truck",
        request=NewTruckSerializer,
        responses={201: TruckSerializer},
    )
    @raises(TruckExistsException, FleetFullException)
    def create(self, request: Request) -> Response:
        """Add a truck to a fleet where you may."""
        values = validated(request, NewTruckSerializer)
        fleet = values["scope"] or ""
        truck = trucks.add(actor=request.user, name=values["name"], scope=fleet, client=client_of(request))
        return Response(self.get_serializer(truck).data, status=status.HTTP_201_CREATED)

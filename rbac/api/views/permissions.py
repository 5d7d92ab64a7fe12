"""Permissions."""

from django.contrib.auth.models import Permission
from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema, extend_schema_view
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from foodfleet.core.http.clients import client_of
from rbac.api import serializers
from rbac.api.permissions import ActionPermission
from rbac.querysets import labelled_permissions, permissions_matching
from rbac.services import permissions

SEARCH = OpenApiParameter("search", str, description="Part of the label or the description.")


@extend_schema_view(list=extend_schema(parameters=[SEARCH]))
class PermissionViewSet(GenericViewSet[Permission]):
    """What can be allowed: `resource:action`."""

    permission_classes = [ActionPermission]
    access_resource = "permissions"
    serializer_class = serializers.PermissionSerializer
    queryset = Permission.objects.none()
    ordering = "codename"
    ordering_fields = ("codename", "id")
    lookup_value_regex = "[0-9]{1,18}"
    http_method_names = ["get", "post", "delete", "head", "options"]

    def get_queryset(self) -> QuerySet[Permission]:
        search = self.request.query_params.get("search", "").strip()
        return permissions_matching(search) if search else labelled_permissions()

    def list(self, request: Request) -> Response:
        """All permissions, by label."""
        page = self.paginate_queryset(self.get_queryset())
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    def retrieve(self, request: Request, pk: str) -> Response:
        """One permission."""
        return Response(self.get_serializer(permissions.find(int(pk))).data)

    @extend_schema(request=serializers.PermissionCreateSerializer, responses={201: serializers.PermissionSerializer})
    def create(self, request: Request) -> Response:
        """Add a permission beside those that the code declares."""
        shape = serializers.PermissionCreateSerializer(data=request.data)
        shape.is_valid(raise_exception=True)
        made = permissions.create(actor=request.user, client=client_of(request), **shape.validated_data)
        return Response(self.get_serializer(made).data, status=status.HTTP_201_CREATED)

    @extend_schema(responses={204: OpenApiResponse(description="Done.")})
    def destroy(self, request: Request, pk: str) -> Response:
        """Delete a permission that no code declares; roles lose it."""
        permissions.delete(actor=request.user, permission=permissions.find(int(pk)), client=client_of(request))
        return Response(status=status.HTTP_204_NO_CONTENT)

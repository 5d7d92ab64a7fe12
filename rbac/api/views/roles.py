"""Roles."""

from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema, extend_schema_view
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from foodfleet.core.http.clients import client_of
from rbac.api import serializers
from rbac.api.permissions import ActionPermission, require_permission
from rbac.exceptions import RoleNotFoundException
from rbac.models import Role
from rbac.services import graph, previews, roles
from rbac.services.roles import RoleEdit

SEARCH = OpenApiParameter("search", str, description="Part of the name or the description.")


@extend_schema_view(list=extend_schema(parameters=[SEARCH]))
class RoleViewSet(GenericViewSet[Role]):
    """Named sets of permissions."""

    permission_classes = [ActionPermission]
    access_resource = "roles"
    serializer_class = serializers.RoleSerializer
    queryset = Role.objects.none()
    ordering = "name"
    ordering_fields = ("name", "id")
    lookup_value_regex = "[0-9]{1,18}"
    http_method_names = ["get", "post", "patch", "delete", "head", "options"]

    def get_queryset(self) -> QuerySet[Role]:
        found = Role.objects.live().with_users_count(timezone.now())
        search = self.request.query_params.get("search", "").strip()
        return found.matching(search) if search else found  # type: ignore[no-any-return]

    def get_object(self) -> Role:
        role: Role | None = Role.objects.live().with_users_count(timezone.now()).filter(pk=self.kwargs["pk"]).first()
        if role is None:
            raise RoleNotFoundException
        return role

    def get_serializer_context(self) -> dict[str, Any]:
        return {**super().get_serializer_context(), "roles": graph.now()}

    def list(self, request: Request) -> Response:
        """All roles, by name."""
        page = self.paginate_queryset(self.get_queryset())
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    def retrieve(self, request: Request, pk: str) -> Response:
        """One role."""
        return Response(self.get_serializer(self.get_object()).data)

    @extend_schema(request=serializers.RoleCreateSerializer, responses={201: serializers.RoleSerializer})
    def create(self, request: Request) -> Response:
        """Make a role of permissions that you hold yourself."""
        edit = _edit(request, serializers.RoleCreateSerializer)
        role = roles.create(actor=request.user, edit=edit, client=client_of(request))
        return Response(self.get_serializer(role).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=serializers.RoleEditSerializer, responses=serializers.RoleSerializer)
    def partial_update(self, request: Request, pk: str) -> Response:
        """Change a role; what is added must be yours to give. It holds for its users from their next request."""
        edit = _edit(request, serializers.RoleEditSerializer)
        roles.update(actor=request.user, role=self.get_object(), edit=edit, client=client_of(request))
        return Response(self.get_serializer(self.get_object()).data)

    @extend_schema(responses={204: OpenApiResponse(description="Done.")})
    def destroy(self, request: Request, pk: str) -> Response:
        """Delete a role that nobody holds."""
        roles.delete(actor=request.user, role=self.get_object(), client=client_of(request))
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(request=serializers.PreviewInSerializer, responses=serializers.PreviewSerializer)
    @action(detail=True, methods=["post"])
    @require_permission("roles", "update")
    def preview(self, request: Request, pk: str) -> Response:
        """What it would mean for users if the role had these permissions; nothing is changed."""
        shape = serializers.PreviewInSerializer(data=request.data)
        shape.is_valid(raise_exception=True)
        result = previews.preview(role=self.get_object(), **shape.validated_data)
        return Response(serializers.PreviewSerializer(result).data)


def _edit(request: Request, shape: type[Any]) -> RoleEdit:
    serializer = shape(data=request.data)
    serializer.is_valid(raise_exception=True)
    return RoleEdit(**serializer.validated_data)

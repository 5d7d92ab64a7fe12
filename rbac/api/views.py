"""Views of roles, permissions and access checks."""

from typing import Any

from django.contrib.auth.models import Permission
from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema, extend_schema_view
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework.viewsets import GenericViewSet

from foodfleet.core.exceptions import InsufficientPermissionsException
from foodfleet.core.http.access import SIGNED_IN
from foodfleet.core.http.clients import client_of
from foodfleet.core.http.schema import raises
from rbac.api import serializers
from rbac.api.filters import PermissionFilter, RoleFilter
from rbac.api.guards import ActionPermission, require_permission
from rbac.exceptions import (
    AlreadyExistsException,
    DeclaredPermissionException,
    HolderNotFoundException,
    PermissionNotFoundException,
    RoleInUseException,
    RoleNotFoundException,
)
from rbac.models import Role, RoleRevision, resource_permissions
from rbac.services import custom_permissions, decisions, explanations, graph, previews, roles, users
from rbac.services.roles import RoleEdit

ROLE_SEARCH = OpenApiParameter("search", str, description="Part of the name or the description.")


@extend_schema_view(list=extend_schema(parameters=[ROLE_SEARCH]))
class RoleViewSet(GenericViewSet[Role]):
    """Roles: named sets of permissions."""

    permission_classes = [ActionPermission]
    access_resource = "roles"
    serializer_class = serializers.RoleSerializer
    queryset = Role.objects.none()
    filterset_class = RoleFilter
    ordering = "name"
    ordering_fields = ("name", "id")
    lookup_value_regex = "[0-9]{1,18}"
    http_method_names = ["get", "post", "patch", "delete", "head", "options"]

    def get_queryset(self) -> QuerySet[Role]:
        found: QuerySet[Role] = Role.objects.live().with_users_count(timezone.now())
        return found

    def get_object(self) -> Role:
        role: Role | None = Role.objects.live().with_users_count(timezone.now()).filter(pk=self.kwargs["pk"]).first()
        if role is None:
            raise RoleNotFoundException
        return role

    def get_serializer_context(self) -> dict[str, Any]:
        return {**super().get_serializer_context(), "roles": graph.latest()}

    def list(self, request: Request) -> Response:
        """List all roles, by name."""
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    @raises(RoleNotFoundException)
    def retrieve(self, request: Request, pk: str) -> Response:
        """Return a role."""
        return Response(self.get_serializer(self.get_object()).data)

    @raises(AlreadyExistsException)
    @extend_schema(request=serializers.RoleCreateSerializer, responses={201: serializers.RoleSerializer})
    def create(self, request: Request) -> Response:
        """Create a role with permissions that you have yourself."""
        edit = _edit(request, serializers.RoleCreateSerializer)
        role = roles.create(actor=request.user, edit=edit, client=client_of(request))
        return Response(self.get_serializer(role).data, status=status.HTTP_201_CREATED)

    @raises(RoleNotFoundException, AlreadyExistsException)
    @extend_schema(request=serializers.RoleEditSerializer, responses=serializers.RoleSerializer)
    def partial_update(self, request: Request, pk: str) -> Response:
        """Change a role. You must have every permission that you add. It takes effect at its users' next request."""
        edit = _edit(request, serializers.RoleEditSerializer)
        roles.update(actor=request.user, role=self.get_object(), edit=edit, client=client_of(request))
        return Response(self.get_serializer(self.get_object()).data)

    @raises(RoleNotFoundException, RoleInUseException)
    @extend_schema(responses={204: OpenApiResponse(description="Done.")})
    def destroy(self, request: Request, pk: str) -> Response:
        """Delete a role that nobody has."""
        roles.delete(actor=request.user, role=self.get_object(), client=client_of(request))
        return Response(status=status.HTTP_204_NO_CONTENT)

    @raises(RoleNotFoundException)
    @extend_schema(request=serializers.PreviewInSerializer, responses=serializers.PreviewSerializer)
    @action(detail=True, methods=["post"])
    @require_permission("roles", "update")
    def preview(self, request: Request, pk: str) -> Response:
        """Preview what would change for users if the role had these permissions."""
        shape = serializers.PreviewInSerializer(data=request.data)
        shape.is_valid(raise_exception=True)
        result = previews.preview(role=self.get_object(), **shape.validated_data)
        return Response(serializers.PreviewSerializer(result).data)


@raises(RoleNotFoundException)
@require_permission("roles", "read")
class RoleRevisionsView(ListAPIView[RoleRevision]):
    """The history of a role, also of a deleted one."""

    serializer_class = serializers.RoleRevisionSerializer
    queryset = RoleRevision.objects.none()
    ordering = "-created_at"
    ordering_fields = ("created_at",)

    def get_queryset(self) -> QuerySet[RoleRevision]:
        return roles.revisions_of(self.kwargs["role_id"])


def _edit(request: Request, shape: type[Any]) -> RoleEdit:
    serializer = shape(data=request.data)
    serializer.is_valid(raise_exception=True)
    return RoleEdit(**serializer.validated_data)


PERMISSION_SEARCH = OpenApiParameter("search", str, description="Part of the codename or the description.")


@extend_schema_view(list=extend_schema(parameters=[PERMISSION_SEARCH]))
class PermissionViewSet(GenericViewSet[Permission]):
    """Permissions, `resource:action`."""

    permission_classes = [ActionPermission]
    access_resource = "permissions"
    serializer_class = serializers.PermissionSerializer
    queryset = Permission.objects.none()
    filterset_class = PermissionFilter
    ordering = "codename"
    ordering_fields = ("codename", "id")
    lookup_value_regex = "[0-9]{1,18}"
    http_method_names = ["get", "post", "delete", "head", "options"]

    def get_queryset(self) -> QuerySet[Permission]:
        return resource_permissions()

    def list(self, request: Request) -> Response:
        """List all permissions, by codename."""
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    @raises(PermissionNotFoundException)
    def retrieve(self, request: Request, pk: str) -> Response:
        """Return a permission."""
        return Response(self.get_serializer(custom_permissions.find(int(pk))).data)

    @raises(AlreadyExistsException)
    @extend_schema(request=serializers.PermissionCreateSerializer, responses={201: serializers.PermissionSerializer})
    def create(self, request: Request) -> Response:
        """Create a permission in addition to those that the code declares."""
        shape = serializers.PermissionCreateSerializer(data=request.data)
        shape.is_valid(raise_exception=True)
        made = custom_permissions.create(actor=request.user, client=client_of(request), **shape.validated_data)
        return Response(self.get_serializer(made).data, status=status.HTTP_201_CREATED)

    @raises(PermissionNotFoundException, DeclaredPermissionException)
    @extend_schema(responses={204: OpenApiResponse(description="Done.")})
    def destroy(self, request: Request, pk: str) -> Response:
        """Delete a permission that the code does not declare; roles lose it."""
        custom_permissions.delete(
            actor=request.user, permission=custom_permissions.find(int(pk)), client=client_of(request)
        )
        return Response(status=status.HTTP_204_NO_CONTENT)


class CheckView(APIView):
    """Check many permissions at once."""

    access = SIGNED_IN

    @raises(HolderNotFoundException, InsufficientPermissionsException)
    @extend_schema(request=serializers.CheckInSerializer, responses=serializers.CheckSerializer)
    def post(self, request: Request) -> Response:
        """Check whether you or, with `access:check`, another user have each of these permissions."""
        shape = serializers.CheckInSerializer(data=request.data)
        shape.is_valid(raise_exception=True)
        data = shape.validated_data
        user, user_id = request.user, data.get("user")
        if user_id is not None and user_id != user.pk:
            decisions.require(user, "access:check")
            user = users.find(user_id)
        results = explanations.check(user=user, permissions=data["permissions"], scope=data.get("scope") or "")
        return Response({"results": results})


@require_permission("access", "check")
class ExplainView(APIView):
    """Explain one permission of a user."""

    @raises(HolderNotFoundException)
    @extend_schema(parameters=[serializers.ExplainInSerializer], responses=serializers.ExplanationSerializer)
    def get(self, request: Request) -> Response:
        """Return every reason why a user has a permission, now or `at` a time, or what is missing."""
        shape = serializers.ExplainInSerializer(data=request.query_params)
        shape.is_valid(raise_exception=True)
        data = shape.validated_data
        result = explanations.explain(
            user=users.find_including_deleted(data["user"]),
            permission=data["permission"],
            scope=data.get("scope") or "",
            at=data.get("at"),
        )
        return Response(serializers.ExplanationSerializer(result).data)

"""The roles of a user."""

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.views.base import NO_CONTENT
from foodfleet.core.http.clients import client_of
from foodfleet.core.http.schema import raises
from foodfleet.core.http.serializers import validated
from rbac.api.guards import ActionPermission
from rbac.api.serializers import CODENAME_LENGTH, AssignmentCreateSerializer, AssignmentSerializer
from rbac.exceptions import (
    AlreadyExistsException,
    HolderNotFoundException,
    RoleNotFoundException,
    SuperusersOnlyException,
)
from rbac.models import RoleAssignment
from rbac.services import assignments, limits, roles, users

SCOPE = OpenApiParameter(
    "scope",
    {"type": "string", "pattern": f"^({assignments.SCOPE.pattern})?$", "maxLength": CODENAME_LENGTH},
    description="Only in this scope, such as fleet:12.",
)


class UserRolesView(GenericAPIView[RoleAssignment]):
    """The current roles of a user."""

    permission_classes = [ActionPermission]
    access_resource = "roles"
    access_actions = {"POST": "assign"}
    scoped_actions = frozenset({"GET", "HEAD"})
    serializer_class = AssignmentSerializer
    ordering = "id"
    ordering_fields = ("id",)
    queryset = RoleAssignment.objects.none()

    def access_scope(self, request: Request) -> str | None:
        """Return the scope in which the caller needs the permission."""
        scope = request.data.get("scope") if request.method == "POST" and isinstance(request.data, dict) else None
        return scope if scope and isinstance(scope, str) else None

    def get_queryset(self) -> QuerySet[RoleAssignment]:
        user = users.find(self.kwargs["user_id"])
        limits.ensure_reaches(self.request.user, user, "roles:read")
        return assignments.current_of(user)

    @raises(HolderNotFoundException)
    @extend_schema(responses=AssignmentSerializer(many=True))
    def get(self, request: Request, user_id: int) -> Response:
        """List the user's roles with scope, expiry and who assigned them."""
        page = self.paginate_queryset(self.get_queryset())
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    @raises(HolderNotFoundException, RoleNotFoundException, SuperusersOnlyException, AlreadyExistsException)
    @extend_schema(request=AssignmentCreateSerializer, responses={201: AssignmentSerializer})
    def post(self, request: Request, user_id: int) -> Response:
        """Assign a role whose permissions the caller has; assigning it again replaces its expiry."""
        data = validated(request, AssignmentCreateSerializer)
        assignment = assignments.grant(
            actor=request.user,
            user=users.find(user_id),
            role=roles.find(data["role"]),
            scope=data.get("scope") or "",
            expires_at=data.get("expires_at"),
            client=client_of(request),
        )
        return Response(AssignmentSerializer(assignment).data, status=status.HTTP_201_CREATED)


class UserRoleView(GenericAPIView[RoleAssignment]):
    """One role of a user."""

    permission_classes = [ActionPermission]
    access_resource = "roles"
    access_actions = {"DELETE": "assign"}
    queryset = RoleAssignment.objects.none()

    def access_scope(self, request: Request) -> str | None:
        """Return the scope in which the caller needs the permission."""
        return request.query_params.get("scope") or None

    @raises(HolderNotFoundException, RoleNotFoundException, SuperusersOnlyException)
    @extend_schema(parameters=[SCOPE], responses={204: NO_CONTENT})
    def delete(self, request: Request, user_id: int, role_id: int) -> Response:
        """Remove the role from the user, in one scope or in all. It takes effect at the user's next request."""
        assignments.revoke(
            actor=request.user,
            user=users.find(user_id),
            role=roles.find(role_id),
            scope=request.query_params.get("scope"),
            client=client_of(request),
        )
        return Response(status=status.HTTP_204_NO_CONTENT)

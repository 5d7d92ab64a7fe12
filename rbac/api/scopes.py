"""Views of scopes and their members."""

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import status
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework.viewsets import GenericViewSet

from foodfleet.core.http.clients import client_of
from foodfleet.core.http.schema import raises
from foodfleet.core.http.serializers import validated
from rbac.api import serializers
from rbac.api.filters import ScopeFilter
from rbac.api.guards import ActionPermission
from rbac.exceptions import (
    AlreadyExistsException,
    HolderNotFoundException,
    MemberNotFoundException,
    ScopeInUseException,
    ScopeNotFoundException,
)
from rbac.models import Scope, ScopeMembership
from rbac.services import scopes, users

NO_CONTENT = OpenApiResponse(description="Done.")


class ScopeViewSet(GenericViewSet[Scope]):
    """Scopes: parts of the organisation, such as fleets, in which roles are assigned."""

    permission_classes = [ActionPermission]
    access_resource = "scopes"
    serializer_class = serializers.ScopeSerializer
    queryset = Scope.objects.all()
    filterset_class = ScopeFilter
    ordering = "identifier"
    ordering_fields = ("identifier", "id")
    lookup_value_regex = "[0-9]{1,18}"
    http_method_names = ["get", "post", "patch", "delete", "head", "options"]

    def list(self, request: Request) -> Response:
        """List scopes, by kind and key."""
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    @raises(ScopeNotFoundException)
    def retrieve(self, request: Request, pk: str) -> Response:
        """Return a scope."""
        return Response(self.get_serializer(scopes.find(int(pk))).data)

    @raises(AlreadyExistsException)
    @extend_schema(request=serializers.ScopeCreateSerializer, responses={201: serializers.ScopeSerializer})
    def create(self, request: Request) -> Response:
        """Create a scope. Roles that were assigned in its `kind:key` before apply in it."""
        values = validated(request, serializers.ScopeCreateSerializer)
        scope = scopes.create(actor=request.user, client=client_of(request), **values)
        return Response(self.get_serializer(scope).data, status=status.HTTP_201_CREATED)

    @raises(ScopeNotFoundException)
    @extend_schema(request=serializers.ScopeEditSerializer)
    def partial_update(self, request: Request, pk: str) -> Response:
        """Rename a scope or move it below another, whose roles then apply in it too."""
        changes = validated(request, serializers.ScopeEditSerializer)
        scope = scopes.update(actor=request.user, scope_id=int(pk), changes=changes, client=client_of(request))
        return Response(self.get_serializer(scope).data)

    @raises(ScopeNotFoundException, ScopeInUseException)
    @extend_schema(responses={204: NO_CONTENT})
    def destroy(self, request: Request, pk: str) -> Response:
        """Delete a scope; 409 while it has members, roles assigned in it, or scopes below it."""
        scopes.delete(actor=request.user, scope_id=int(pk), client=client_of(request))
        return Response(status=status.HTTP_204_NO_CONTENT)


class MembersView(GenericAPIView[ScopeMembership]):
    """The members of a scope."""

    permission_classes = [ActionPermission]
    access_resource = "scopes"
    access_actions = {"POST": "update"}
    serializer_class = serializers.MemberSerializer
    ordering = "id"
    ordering_fields = ("id",)
    queryset = ScopeMembership.objects.none()

    def get_queryset(self) -> QuerySet[ScopeMembership]:
        return scopes.find(self.kwargs["scope_id"]).memberships.select_related("user")

    @raises(ScopeNotFoundException)
    @extend_schema(responses=serializers.MemberSerializer(many=True))
    def get(self, request: Request, scope_id: int) -> Response:
        """List the users who belong to exactly this scope, in the order in which they were added."""
        page = self.paginate_queryset(self.get_queryset())
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    @raises(ScopeNotFoundException, HolderNotFoundException)
    @extend_schema(
        request=serializers.MemberCreateSerializer,
        responses={201: serializers.MemberSerializer, 200: serializers.MemberSerializer},
    )
    def post(self, request: Request, scope_id: int) -> Response:
        """Make a user a member; 200 for one who is a member already."""
        user = users.find(validated(request, serializers.MemberCreateSerializer)["user"])
        member, is_new = scopes.add_member(actor=request.user, scope_id=scope_id, user=user, client=client_of(request))
        code = status.HTTP_201_CREATED if is_new else status.HTTP_200_OK
        return Response(self.get_serializer(member).data, status=code)


class MemberView(APIView):
    """One member of a scope."""

    permission_classes = [ActionPermission]
    access_resource = "scopes"
    access_actions = {"DELETE": "update"}

    @raises(ScopeNotFoundException, MemberNotFoundException)
    @extend_schema(responses={204: NO_CONTENT})
    def delete(self, request: Request, scope_id: int, user_id: int) -> Response:
        """Remove the user from the scope. From the next request on, permissions in it no longer apply to the user."""
        scopes.remove_member(actor=request.user, scope_id=scope_id, user_id=user_id, client=client_of(request))
        return Response(status=status.HTTP_204_NO_CONTENT)

"""Service accounts, for staff."""

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from accounts.api.filters import ServiceAccountFilter
from accounts.api.serializers.programs import (
    ServiceAccountChangeSerializer,
    ServiceAccountCreateSerializer,
    ServiceAccountSerializer,
)
from accounts.api.views.base import NO_CONTENT
from accounts.exceptions import ServiceAccountNotFoundException
from accounts.models import ServiceAccount
from accounts.models.programs import ServiceAccountQuerySet
from accounts.models.users import signed_in_user
from accounts.services.programs import service_accounts
from accounts.services.programs.service_accounts import NewServiceAccount, ServiceAccountChanges
from foodfleet.core.http.clients import client_of
from foodfleet.core.http.schema import raises
from foodfleet.core.http.serializers import validated
from rbac.api.guards import ActionPermission


class ServiceAccountViewSet(GenericViewSet[ServiceAccount]):
    """Accounts of programs, which have API keys instead of a password."""

    permission_classes = [ActionPermission]
    access_resource = "service_accounts"
    serializer_class = ServiceAccountSerializer
    queryset = ServiceAccount.objects.none()
    filterset_class = ServiceAccountFilter
    ordering = "-id"
    ordering_fields = ("id",)

    def get_queryset(self) -> ServiceAccountQuerySet:
        return service_accounts.present().with_roles(timezone.now())

    def account_response(self, pk: int, code: int = status.HTTP_200_OK) -> Response:
        """Return the response with the saved service account."""
        account = self.get_queryset().get(pk=service_accounts.find(pk).pk)
        return Response(self.get_serializer(account).data, status=code)

    def list(self, request: Request) -> Response:
        """List service accounts, newest first."""
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    @raises(ServiceAccountNotFoundException)
    def retrieve(self, request: Request, pk: int) -> Response:
        """Return a service account."""
        return self.account_response(pk)

    @extend_schema(request=ServiceAccountCreateSerializer, responses={201: ServiceAccountSerializer})
    def create(self, request: Request) -> Response:
        """Create a service account. `/users/{id}/roles/` assigns roles to it, and `keys/` creates its keys."""
        new = NewServiceAccount(**validated(request, ServiceAccountCreateSerializer))
        account = service_accounts.create(new=new, actor=signed_in_user(request), client=client_of(request))
        return self.account_response(account.pk, status.HTTP_201_CREATED)

    @raises(ServiceAccountNotFoundException)
    @extend_schema(request=ServiceAccountChangeSerializer)
    def partial_update(self, request: Request, pk: int) -> Response:
        """Change the given fields. The keys of an inactive account are rejected from the next request on."""
        changes = ServiceAccountChanges(**validated(request, ServiceAccountChangeSerializer))
        service_accounts.change(pk=pk, changes=changes, actor=signed_in_user(request), client=client_of(request))
        return self.account_response(pk)

    @raises(ServiceAccountNotFoundException)
    @extend_schema(responses={204: NO_CONTENT})
    def destroy(self, request: Request, pk: int) -> Response:
        """Delete the service account and its keys."""
        service_accounts.delete(pk=pk, actor=signed_in_user(request), client=client_of(request))
        return Response(status=status.HTTP_204_NO_CONTENT)

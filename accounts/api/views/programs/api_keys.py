"""API keys of service accounts, and of the caller."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.serializers.programs import ApiKeyCreateSerializer, ApiKeySerializer, CreatedKeySerializer
from accounts.api.views.base import NO_CONTENT
from accounts.exceptions import (
    ApiKeyNotFoundException,
    PersonalKeysOffException,
    ServiceAccountNotFoundException,
    TooManyKeysException,
    UserNotFoundException,
)
from accounts.models import ApiKey
from accounts.models.users import signed_in_user
from accounts.services.programs import api_keys
from accounts.services.programs.api_keys import CreatedKey, NewKey
from accounts.services.staff import protections
from foodfleet.core.http.access import SIGNED_IN, Reauthentication
from foodfleet.core.http.clients import client_of
from foodfleet.core.http.schema import raises
from foodfleet.core.http.serializers import validated
from rbac.api.guards import require_permission
from rbac.exceptions import SuperusersOnlyException


class KeyListView(GenericAPIView[ApiKey]):
    """A list of keys."""

    serializer_class = ApiKeySerializer
    ordering = "-created_at"
    ordering_fields = ("created_at",)
    queryset = ApiKey.objects.none()

    def page(self, keys: Any) -> Response:
        """Return one page of these keys."""
        return self.get_paginated_response(self.get_serializer(self.paginate_queryset(keys), many=True).data)

    @staticmethod
    def new_key(request: Request) -> NewKey:
        """Return the values of the new key in the body."""
        values = validated(request, ApiKeyCreateSerializer)
        codenames = values.pop("permissions", None)
        networks = tuple(values.pop("allowed_networks", ()))
        return NewKey(**values, permissions=None if codenames is None else tuple(codenames), allowed_networks=networks)

    @staticmethod
    def created(key: CreatedKey) -> Response:
        """Return the response with the new key and its secret."""
        body = CreatedKeySerializer(key.row, context={"key": key.key}).data
        return Response(body, status=status.HTTP_201_CREATED)


@require_permission("service_accounts", "update")
class ServiceAccountKeysView(KeyListView):
    """The API keys of a service account."""

    @raises(ServiceAccountNotFoundException)
    @extend_schema(responses=ApiKeySerializer(many=True))
    def get(self, request: Request, account_id: int) -> Response:
        """List the keys that are not revoked."""
        return self.page(api_keys.of_service_account(account_id))

    @raises(ServiceAccountNotFoundException, TooManyKeysException)
    @extend_schema(request=ApiKeyCreateSerializer, responses={201: CreatedKeySerializer})
    def post(self, request: Request, account_id: int) -> Response:
        """Create a key. Only this response contains the whole key."""
        actor, client = signed_in_user(request), client_of(request)
        new = self.new_key(request)
        return self.created(api_keys.create_for_service_account(pk=account_id, new=new, actor=actor, client=client))


@require_permission("service_accounts", "update")
class ServiceAccountKeyView(APIView):
    """One API key of a service account."""

    @raises(ServiceAccountNotFoundException, ApiKeyNotFoundException)
    @extend_schema(request=None, responses={204: NO_CONTENT})
    def delete(self, request: Request, account_id: int, key_id: UUID) -> Response:
        """Revoke the key: it is rejected from the next request on."""
        actor, client = signed_in_user(request), client_of(request)
        api_keys.revoke_of_service_account(pk=account_id, key_id=key_id, actor=actor, client=client)
        return Response(status=status.HTTP_204_NO_CONTENT)


@raises(UserNotFoundException)
@require_permission("service_accounts", "read")
class UserKeysView(KeyListView):
    """The API keys of a person or a service account."""

    @extend_schema(responses=ApiKeySerializer(many=True))
    def get(self, request: Request, user_id: int) -> Response:
        """List the keys that are not revoked."""
        return self.page(api_keys.of_user(protections.find(user_id)))


@require_permission("service_accounts", "update")
class UserKeyView(APIView):
    """One API key of a person or a service account."""

    @raises(UserNotFoundException, ApiKeyNotFoundException, SuperusersOnlyException)
    @extend_schema(request=None, responses={204: NO_CONTENT})
    def delete(self, request: Request, user_id: int, key_id: UUID) -> Response:
        """Revoke the key: it is rejected from the next request on."""
        actor, client = signed_in_user(request), client_of(request)
        api_keys.revoke_for(user_id=user_id, key_id=key_id, actor=actor, client=client)
        return Response(status=status.HTTP_204_NO_CONTENT)


class OwnKeysView(KeyListView):
    """The caller's own API keys, if PERSONAL_API_KEYS allows them."""

    access = SIGNED_IN.with_reauthentication(POST=Reauthentication.ALWAYS)

    @extend_schema(responses=ApiKeySerializer(many=True))
    def get(self, request: Request) -> Response:
        """List the caller's keys that are not revoked."""
        return self.page(api_keys.of_user(signed_in_user(request)))

    @raises(PersonalKeysOffException, TooManyKeysException)
    @extend_schema(request=ApiKeyCreateSerializer, responses={201: CreatedKeySerializer})
    def post(self, request: Request) -> Response:
        """Create a key, which never has more permissions than its owner. Only this response contains the whole key."""
        new = self.new_key(request)
        return self.created(api_keys.create_own(user=signed_in_user(request), new=new, client=client_of(request)))


class OwnKeyView(APIView):
    """One of the caller's API keys."""

    access = SIGNED_IN

    @raises(ApiKeyNotFoundException)
    @extend_schema(request=None, responses={204: NO_CONTENT})
    def delete(self, request: Request, key_id: UUID) -> Response:
        """Revoke the key: it is rejected from the next request on."""
        api_keys.revoke_own(user=signed_in_user(request), key_id=key_id, client=client_of(request))
        return Response(status=status.HTTP_204_NO_CONTENT)

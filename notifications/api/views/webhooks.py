"""Webhook endpoints and their deliveries."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import status, viewsets
from rest_framework.decorators import action
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.models.users import signed_in_user
from foodfleet.core.exceptions import ConflictException
from foodfleet.core.http.clients import client_of
from foodfleet.core.http.schema import raises
from foodfleet.core.http.serializers import validated
from notifications.api.filters import DeliveryFilter, WebhookFilter
from notifications.api.serializers.webhooks import (
    DeliverySerializer,
    EndpointChangeSerializer,
    EndpointCreateSerializer,
    EndpointSecretSerializer,
    EndpointSerializer,
)
from notifications.exceptions import (
    DeliveryNotFoundException,
    DeliveryNotReplayableException,
    WebhookNotFoundException,
    WebhookPausedException,
)
from notifications.models import WebhookDelivery, WebhookEndpoint
from notifications.services.webhooks import deliveries, endpoints
from notifications.services.webhooks.endpoints import EndpointChanges, NewEndpoint, WithSecret
from rbac.api.guards import ActionPermission, require_permission


class WebhookViewSet(viewsets.GenericViewSet[WebhookEndpoint]):
    """Endpoints of other systems that events are posted to."""

    permission_classes = [ActionPermission]
    access_resource = "webhooks"
    access_actions = {"test": "update", "rotate_secret": "update"}
    serializer_class = EndpointSerializer
    queryset = WebhookEndpoint.objects.all()
    filterset_class = WebhookFilter
    lookup_value_regex = "[0-9]{1,18}"
    ordering = "id"
    ordering_fields = ("id",)

    def list(self, request: Request) -> Response:
        """List the endpoints."""
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    @raises(WebhookNotFoundException)
    def retrieve(self, request: Request, pk: str) -> Response:
        """Get an endpoint."""
        return Response(self.get_serializer(endpoints.find(int(pk))).data)

    @raises(ConflictException)
    @extend_schema(request=EndpointCreateSerializer, responses={201: EndpointSecretSerializer})
    def create(self, request: Request) -> Response:
        """Add an endpoint. The response has its secret, which is shown once."""
        made = endpoints.create(new=NewEndpoint(**validated(request, EndpointCreateSerializer)), **_by(request))
        return _with_secret(made, status.HTTP_201_CREATED)

    @raises(WebhookNotFoundException)
    @extend_schema(request=EndpointChangeSerializer)
    def partial_update(self, request: Request, pk: str) -> Response:
        """Change the given fields. Activating an endpoint resets its failures."""
        changes = EndpointChanges(**validated(request, EndpointChangeSerializer))
        return Response(self.get_serializer(endpoints.change(pk=int(pk), changes=changes, **_by(request))).data)

    @raises(WebhookNotFoundException)
    @extend_schema(responses={204: None})
    def destroy(self, request: Request, pk: str) -> Response:
        """Delete an endpoint. Its queued deliveries are cancelled."""
        endpoints.delete(pk=int(pk), **_by(request))
        return Response(status=status.HTTP_204_NO_CONTENT)

    @raises(WebhookNotFoundException, WebhookPausedException)
    @extend_schema(request=None, responses={202: DeliverySerializer})
    @action(detail=True, methods=["post"])
    def test(self, request: Request, pk: str) -> Response:
        """Queue the event `webhook.test`; 409 for an inactive endpoint."""
        delivery = deliveries.send_test(endpoint_id=int(pk), by=signed_in_user(request))
        return Response(DeliverySerializer(delivery).data, status=status.HTTP_202_ACCEPTED)

    @raises(WebhookNotFoundException)
    @extend_schema(request=None, responses=EndpointSecretSerializer)
    @action(detail=True, methods=["post"], url_path="rotate-secret")
    def rotate_secret(self, request: Request, pk: str) -> Response:
        """Replace the secret. Both secrets sign for 24 hours. The new one is shown only once."""
        return _with_secret(endpoints.rotate_secret(pk=int(pk), **_by(request)), status.HTTP_200_OK)


@require_permission("webhooks", "read")
class DeliveriesView(GenericAPIView[WebhookDelivery]):
    """Deliveries to an endpoint."""

    serializer_class = DeliverySerializer
    queryset = WebhookDelivery.objects.none()
    filterset_class = DeliveryFilter
    ordering = "-created_at"
    ordering_fields = ("created_at",)

    @raises(WebhookNotFoundException)
    @extend_schema(responses=DeliverySerializer(many=True))
    def get(self, request: Request, endpoint_id: int) -> Response:
        """List the deliveries to an endpoint with their timelines, the newest first."""
        page = self.paginate_queryset(self.filter_queryset(deliveries.of_endpoint(endpoint_id)))
        return self.get_paginated_response(self.get_serializer(page, many=True).data)


@require_permission("webhooks", "update")
class ReplayView(APIView):
    """Deliver an event again."""

    @raises(DeliveryNotFoundException, WebhookPausedException, DeliveryNotReplayableException)
    @extend_schema(request=None, responses={202: DeliverySerializer})
    def post(self, request: Request, delivery_id: UUID, endpoint_id: int | None = None) -> Response:
        """Deliver an event again with the same content and `webhook-id`, also one that was delivered.

        409 for an inactive endpoint, and if the content was removed.
        """
        delivery = deliveries.replay(pk=delivery_id, endpoint_id=endpoint_id, by=signed_in_user(request))
        return Response(DeliverySerializer(delivery).data, status=status.HTTP_202_ACCEPTED)


def _by(request: Request) -> dict[str, Any]:
    return {"by": signed_in_user(request), "client": client_of(request)}


def _with_secret(made: WithSecret, code: int) -> Response:
    return Response(EndpointSecretSerializer(made.endpoint, context={"secret": made.secret}).data, status=code)

"""SMS templates."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import status, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from foodfleet.core.http.clients import client_of
from foodfleet.core.http.schema import raises
from notifications.api.filters import SmsTemplateFilter
from notifications.api.serializers.messages import QueuedSerializer
from notifications.api.serializers.sms_templates import (
    SmsPreviewInSerializer,
    SmsPreviewSerializer,
    SmsTemplateChangeSerializer,
    SmsTemplateSerializer,
    SmsTestSerializer,
)
from notifications.exceptions import (
    NewerVersionException,
    NoOwnRecipientException,
    SmsTemplateNotFoundException,
    TemplateInUseException,
)
from notifications.models import SmsTemplate
from notifications.services.compose import samples
from notifications.services.templates import sms_templates as service
from rbac.api.guards import ActionPermission


class SmsTemplateViewSet(viewsets.GenericViewSet[SmsTemplate]):
    """SMS templates with `{{name}}` placeholders."""

    http_method_names = ["get", "post", "patch", "delete", "head", "options"]
    permission_classes = [ActionPermission]
    access_resource = "sms_templates"
    access_actions = {"preview": "read", "send_test": "read"}
    serializer_class = SmsTemplateSerializer
    queryset = SmsTemplate.objects.all()
    filterset_class = SmsTemplateFilter
    lookup_value_regex = "[0-9]{1,18}"
    ordering = "id"
    ordering_fields = ("id", "name")

    def get_object(self) -> SmsTemplate:
        return service.find(int(self.kwargs["pk"]))

    @extend_schema(responses=SmsTemplateSerializer(many=True))
    def list(self, request: Request) -> Response:
        """List the templates."""
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    @raises(SmsTemplateNotFoundException)
    def retrieve(self, request: Request, pk: str) -> Response:
        """Get a template."""
        return Response(self.get_serializer(self.get_object()).data)

    def create(self, request: Request) -> Response:
        """Add a template."""
        given = self._given(self.get_serializer(data=request.data))
        template = service.save(template=SmsTemplate(**given), **self._by())
        return Response(self.get_serializer(template).data, status=status.HTTP_201_CREATED)

    @raises(SmsTemplateNotFoundException, TemplateInUseException, NewerVersionException)
    @extend_schema(request=SmsTemplateChangeSerializer, responses=SmsTemplateSerializer)
    def partial_update(self, request: Request, pk: str) -> Response:
        """Change a template. Earlier versions are kept."""
        given = self._given(SmsTemplateChangeSerializer(data=request.data, partial=True))
        opened_with = given.pop("opened_with", None)
        changes = service.TemplateChanges(**given)
        template = service.change(template_id=int(pk), changes=changes, opened_with=opened_with, **self._by())
        return Response(self.get_serializer(template).data)

    @raises(SmsTemplateNotFoundException, TemplateInUseException)
    @extend_schema(responses={204: None})
    def destroy(self, request: Request, pk: str) -> Response:
        """Delete a template; 409 for a template that the product sends."""
        service.delete(template=self.get_object(), **self._by())
        return Response(status=status.HTTP_204_NO_CONTENT)

    @raises(SmsTemplateNotFoundException)
    @extend_schema(request=SmsPreviewInSerializer, responses=SmsPreviewSerializer)
    @action(detail=True, methods=["post"])
    def preview(self, request: Request, pk: str) -> Response:
        """Render a template and count its segments without sending it."""
        template = self.get_object()
        serializer = SmsPreviewInSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        return Response(SmsPreviewSerializer(service.preview(template=template, **serializer.validated_data)).data)

    @raises(SmsTemplateNotFoundException, NoOwnRecipientException)
    @extend_schema(request=SmsTestSerializer, responses={202: QueuedSerializer})
    @action(detail=True, methods=["post"], url_path="test")
    def send_test(self, request: Request, pk: str) -> Response:
        """Send a template with its examples to your own confirmed number. It needs `notifications:send` too."""
        given = self._given(SmsTestSerializer(data=request.data))
        message = samples.send_sms(template=self.get_object(), **given, **self._by())
        return Response(QueuedSerializer(message).data, status=status.HTTP_202_ACCEPTED)

    @staticmethod
    def _given(serializer: Any) -> dict[str, Any]:
        serializer.is_valid(raise_exception=True)
        return dict(serializer.validated_data)

    def _by(self) -> dict[str, Any]:
        return {"by": self.request.user, "client": client_of(self.request)}

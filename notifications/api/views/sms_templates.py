"""SMS templates."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import status, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import User
from notifications.api.filters import SmsTemplateFilter
from notifications.api.serializers.sms_templates import (
    SmsPreviewInSerializer,
    SmsPreviewSerializer,
    SmsTemplateSerializer,
)
from notifications.models import SmsTemplate
from notifications.services.templates import sms_templates as service
from rbac.api.guards import ActionPermission


class SmsTemplateViewSet(viewsets.GenericViewSet[SmsTemplate]):
    """SMS templates with `{{name}}` placeholders."""

    http_method_names = ["get", "post", "patch", "delete", "head", "options"]
    permission_classes = [ActionPermission]
    access_resource = "sms_templates"
    access_actions = {"preview": "read"}
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

    def retrieve(self, request: Request, pk: str) -> Response:
        """Get a template."""
        return Response(self.get_serializer(self.get_object()).data)

    def create(self, request: Request) -> Response:
        """Add a template."""
        template = service.save(template=SmsTemplate(**self._given(partial=False)), by=self._user())
        return Response(self.get_serializer(template).data, status=status.HTTP_201_CREATED)

    def partial_update(self, request: Request, pk: str) -> Response:
        """Change a template. Earlier versions are kept."""
        changes = service.TemplateChanges(**self._given(partial=True))
        template = service.change(template_id=self.get_object().pk, changes=changes, by=self._user())
        return Response(self.get_serializer(template).data)

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, pk: str) -> Response:
        """Delete a template; 409 for a template that the product sends."""
        service.delete(template=self.get_object(), by=self._user())
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(request=SmsPreviewInSerializer, responses=SmsPreviewSerializer)
    @action(detail=True, methods=["post"])
    def preview(self, request: Request, pk: str) -> Response:
        """Render a template and count its segments without sending it."""
        template = self.get_object()
        serializer = SmsPreviewInSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        return Response(SmsPreviewSerializer(service.preview(template=template, **serializer.validated_data)).data)

    def _given(self, *, partial: bool) -> dict[str, Any]:
        serializer = self.get_serializer(data=self.request.data, partial=partial)
        serializer.is_valid(raise_exception=True)
        return dict(serializer.validated_data)

    def _user(self) -> User:
        return self.request.user  # type: ignore[return-value]

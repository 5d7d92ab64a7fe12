"""The product's e-mails, and their overrides by staff."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import status, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from foodfleet.core.http.clients import client_of
from foodfleet.core.http.schema import raises
from notifications.api.filters import EmailOverrideFilter
from notifications.api.serializers.email_overrides import (
    EmailContentSerializer,
    EmailOverrideChangeSerializer,
    EmailOverrideSerializer,
    EmailTemplatesSerializer,
    LanguageSerializer,
)
from notifications.api.serializers.messages import QueuedSerializer
from notifications.exceptions import (
    EmailOverrideNotFoundException,
    EmailTemplateNotFoundException,
    MailTooLargeException,
    NewerVersionException,
    NoOwnRecipientException,
)
from notifications.models import EmailOverride
from notifications.services.compose import samples
from notifications.services.templates import overrides, rendering, specs
from notifications.states import Channel
from rbac.api.guards import ActionPermission, require_permission


@require_permission("email_templates", "read")
class EmailTemplatesView(APIView):
    """The product's e-mails."""

    @extend_schema(responses=EmailTemplatesSerializer)
    def get(self, request: Request) -> Response:
        """List the product's e-mails with their variables, in one page."""
        page = {"next": None, "previous": None, "results": specs.for_channel(Channel.EMAIL)}
        return Response(EmailTemplatesSerializer(page).data)


@require_permission("email_templates", "read")
class EmailTemplateView(APIView):
    """The product's own content of an e-mail."""

    @raises(EmailTemplateNotFoundException)
    @extend_schema(parameters=[LanguageSerializer], responses=EmailContentSerializer)
    def get(self, request: Request, name: str) -> Response:
        """Get the product's own content of an e-mail, with placeholders, as a start for an override."""
        serializer = LanguageSerializer(data=request.query_params)
        serializer.is_valid(raise_exception=True)
        content = rendering.own_content(name, serializer.validated_data.get("language", ""))
        return Response(EmailContentSerializer(content).data)


class EmailOverrideViewSet(viewsets.GenericViewSet[EmailOverride]):
    """Overrides of the product's e-mails, by language."""

    http_method_names = ["get", "post", "patch", "delete", "head", "options"]
    permission_classes = [ActionPermission]
    access_resource = "email_templates"
    access_actions = {"preview": "read", "send_test": "read"}
    serializer_class = EmailOverrideSerializer
    queryset = EmailOverride.objects.all()
    filterset_class = EmailOverrideFilter
    lookup_value_regex = "[0-9]{1,18}"
    ordering = "id"
    ordering_fields = ("id", "template")

    def get_object(self) -> EmailOverride:
        return overrides.find(int(self.kwargs["pk"]))

    @extend_schema(responses=EmailOverrideSerializer(many=True))
    def list(self, request: Request) -> Response:
        """List the overrides."""
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    @raises(EmailOverrideNotFoundException)
    def retrieve(self, request: Request, pk: str) -> Response:
        """Get an override."""
        return Response(self.get_serializer(self.get_object()).data)

    @raises(EmailTemplateNotFoundException)
    def create(self, request: Request) -> Response:
        """Override an e-mail in one language. `/email-templates/` has the names and variables."""
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        override = overrides.save(override=EmailOverride(**serializer.validated_data), **self._by())
        return Response(self.get_serializer(override).data, status=status.HTTP_201_CREATED)

    @raises(EmailOverrideNotFoundException, EmailTemplateNotFoundException, NewerVersionException)
    @extend_schema(request=EmailOverrideChangeSerializer)
    def partial_update(self, request: Request, pk: str) -> Response:
        """Change an override. Earlier versions are kept."""
        serializer = EmailOverrideChangeSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        values = dict(serializer.validated_data)
        opened_with = values.pop("opened_with", None)
        changes = overrides.OverrideChanges(**values)
        override = overrides.change(pk=int(pk), changes=changes, opened_with=opened_with, **self._by())
        return Response(self.get_serializer(override).data)

    @raises(EmailOverrideNotFoundException)
    @extend_schema(responses={204: None})
    def destroy(self, request: Request, pk: str) -> Response:
        """Delete an override. The product's own content is sent again."""
        overrides.delete(override=self.get_object(), **self._by())
        return Response(status=status.HTTP_204_NO_CONTENT)

    @raises(EmailOverrideNotFoundException, EmailTemplateNotFoundException)
    @extend_schema(request=None, responses=EmailContentSerializer)
    @action(detail=True, methods=["post"])
    def preview(self, request: Request, pk: str) -> Response:
        """Render an override with example values without sending it."""
        return Response(EmailContentSerializer(samples.email(self.get_object())).data)

    @raises(
        EmailOverrideNotFoundException, EmailTemplateNotFoundException, NoOwnRecipientException, MailTooLargeException
    )
    @extend_schema(request=None, responses={202: QueuedSerializer})
    @action(detail=True, methods=["post"], url_path="test")
    def send_test(self, request: Request, pk: str) -> Response:
        """Send an override with example values to your own confirmed address. It needs `notifications:send` too."""
        message = samples.send_email(override=self.get_object(), **self._by())
        return Response(QueuedSerializer(message).data, status=status.HTTP_202_ACCEPTED)

    def _by(self) -> dict[str, Any]:
        return {"by": self.request.user, "client": client_of(self.request)}

"""Send messages, and list, retry and cancel them."""

from django.conf import settings
from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.models.users import signed_in_user
from foodfleet.core.http.clients import client_of
from foodfleet.core.http.schema import raises
from notifications.api.filters import MessageFilter
from notifications.api.serializers.messages import (
    MessageDetailSerializer,
    MessageSerializer,
    QueuedSerializer,
    SendEmailSerializer,
    SendSmsSerializer,
)
from notifications.exceptions import (
    EmailTemplateNotFoundException,
    IdempotencyConflictException,
    MailTooLargeException,
    MessageNotCancellableException,
    MessageNotFoundException,
    MessageNotRetriableException,
    SmsTemplateNotFoundException,
)
from notifications.models import Message
from notifications.services.compose import requests
from notifications.services.compose.email import NewAttachment
from notifications.services.operations import messages as operations
from rbac.api.guards import ActionPermission, require_permission

IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    {"type": "string", "pattern": f"^{requests.KEY.pattern}$"},
    OpenApiParameter.HEADER,
    description="The same key and body return the first message and send nothing more; another body is a 409 error.",
)


class MessageViewSet(viewsets.GenericViewSet[Message]):
    """Messages and their timelines."""

    permission_classes = [ActionPermission]
    access_resource = "notifications"
    access_actions = {"retry": "send", "cancel": "send"}
    serializer_class = MessageSerializer
    queryset = Message.objects.all()
    filterset_class = MessageFilter
    ordering = "-created_at"
    ordering_fields = ("created_at",)

    def get_queryset(self) -> QuerySet[Message]:
        return Message.objects.to_people().listed()

    def list(self, request: Request) -> Response:
        """List messages, newest first."""
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    @raises(MessageNotFoundException)
    @extend_schema(responses=MessageDetailSerializer)
    def retrieve(self, request: Request, pk: str) -> Response:
        """Get a message with its timeline."""
        return Response(MessageDetailSerializer(operations.find(pk)).data)

    @raises(MessageNotFoundException, MessageNotRetriableException)
    @extend_schema(request=None, responses={202: QueuedSerializer})
    @action(detail=True, methods=["post"])
    def retry(self, request: Request, pk: str) -> Response:
        """Queue a failed message again; 409 for any other status."""
        message = operations.retry(message=operations.find(pk), by=signed_in_user(request))
        return Response(QueuedSerializer(message).data, status=status.HTTP_202_ACCEPTED)

    @raises(MessageNotFoundException, MessageNotCancellableException)
    @extend_schema(request=None)
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, pk: str) -> Response:
        """Cancel a queued message; 409 for any other status."""
        operations.cancel(message=operations.find(pk), by=signed_in_user(request))
        return Response(self.get_serializer(operations.find(pk)).data)


@require_permission("notifications", "send", scoped=True)
class SendEmailView(APIView):
    """Send an e-mail."""

    max_body_bytes = settings.MOST_BODY_BYTES

    @raises(EmailTemplateNotFoundException, IdempotencyConflictException, MailTooLargeException)
    @extend_schema(request=SendEmailSerializer, parameters=[IDEMPOTENCY_KEY], responses={202: QueuedSerializer})
    def post(self, request: Request) -> Response:
        """Queue an e-mail: subject with text or HTML, or a template with its context.

        With the permission only in a scope, every recipient must be a member of that scope; otherwise 403.
        """
        serializer = SendEmailSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        fields = dict(serializer.validated_data)
        attachments = [NewAttachment(**file) for file in fields.pop("attachments", [])]
        requested = requests.EmailRequest(**fields, attachments=attachments)
        message = requests.send_requested_email(requested=requested, by=_sender(request))
        return Response(QueuedSerializer(message).data, status=status.HTTP_202_ACCEPTED)


@require_permission("notifications", "send", scoped=True)
class SendSmsView(APIView):
    """Send an SMS."""

    @raises(SmsTemplateNotFoundException, IdempotencyConflictException)
    @extend_schema(request=SendSmsSerializer, parameters=[IDEMPOTENCY_KEY], responses={202: QueuedSerializer})
    def post(self, request: Request) -> Response:
        """Queue an SMS: a text, or a template with its variables.

        With the permission only in a scope, the number must be the confirmed number of a member; otherwise 403.
        """
        serializer = SendSmsSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        requested = requests.SmsRequest(**serializer.validated_data)
        message = requests.send_requested_sms(requested=requested, by=_sender(request))
        return Response(QueuedSerializer(message).data, status=status.HTTP_202_ACCEPTED)


def _sender(request: Request) -> requests.Sender:
    return requests.Sender(
        user=signed_in_user(request),
        idempotency_key=request.headers.get("Idempotency-Key"),
        request_id=client_of(request).request_id,
    )

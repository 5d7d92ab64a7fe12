"""Webhooks for Amazon's delivery reports."""

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema, inline_serializer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from foodfleet.core.http import serializers
from foodfleet.core.http.access import PUBLIC
from foodfleet.core.http.bodies.parsers import StrictJSONParser
from foodfleet.core.http.clients import client_of
from foodfleet.core.http.schema import raises
from notifications.exceptions import UntrustedReportException
from notifications.gateways.sns_http import sns_http
from notifications.services.feedback import outcomes
from notifications.services.feedback.sns_envelopes import NOTIFICATION, SIGNED


class SnsMessageSerializer(serializers.Serializer[Any]):
    """A signed message of Amazon SNS, posted with the content type `text/plain`."""

    schema_rules: ClassVar[dict[str, Any]] = {
        "anyOf": [{"properties": {"Type": {"pattern": f"^{NOTIFICATION}$"}}}, {"required": ["Token", "SubscribeURL"]}]
    }

    Type = serializers.ChoiceField(choices=[*SIGNED])
    MessageId = serializers.CharField(max_length=100)
    TopicArn = serializers.CharField()
    Message = serializers.CharField()
    Timestamp = serializers.CharField()
    SigningCertURL = serializers.CharField()
    Signature = serializers.CharField()
    SignatureVersion = serializers.CharField()
    Subject = serializers.CharField(required=False)
    Token = serializers.CharField(required=False)
    SubscribeURL = serializers.CharField(required=False)


class SnsParser(StrictJSONParser):
    """Parses JSON, which Amazon SNS sends as text/plain."""

    media_type = "text/plain"


class SesWebhookView(APIView):
    """Receives delivery reports of e-mails from Amazon SNS."""

    access = PUBLIC  # authenticated by Amazon's signature
    authentication_classes: list[Any] = []
    throttle_classes: list[Any] = []  # each e-mail causes reports; refusing one with an invalid topic is cheap
    parser_classes = [SnsParser, StrictJSONParser]
    http_factory = staticmethod(sns_http)

    @raises(UntrustedReportException)
    @extend_schema(
        request={"application/json": SnsMessageSerializer},
        responses=inline_serializer("ReportTaken", {"status": serializers.CharField()}),
    )
    def post(self, request: Request) -> Response:
        """Receive reports of bounces, complaints, deliveries, rejects and delays, and subscription confirmations."""
        state = outcomes.receive(request.data, sender=client_of(request).ip, http=self.http_factory())
        return Response({"status": state})

"""What Amazon tells us by itself."""

from typing import Any

from drf_spectacular.utils import PolymorphicProxySerializer, extend_schema, inline_serializer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from foodfleet.core.http import serializers
from foodfleet.core.http.access import PUBLIC
from foodfleet.core.http.clients import client_of
from foodfleet.core.http.parsers import StrictJSONParser
from notifications.gateways.sns_http import sns_http
from notifications.services.feedback import outcomes
from notifications.services.feedback.sns_envelopes import CONFIRMATION, NOTIFICATION, UNSUBSCRIPTION


class SnsNotificationSerializer(serializers.Serializer[Any]):
    """As Amazon SNS posts it, with `text/plain` as its content type; its signature says who sent it."""

    Type = serializers.ChoiceField(choices=[NOTIFICATION])
    MessageId = serializers.CharField(max_length=100)
    TopicArn = serializers.CharField()
    Message = serializers.CharField()
    Timestamp = serializers.CharField()
    SigningCertURL = serializers.CharField()
    Signature = serializers.CharField()
    SignatureVersion = serializers.CharField()
    Subject = serializers.CharField(required=False)


class SnsSubscriptionSerializer(SnsNotificationSerializer):
    """A subscription that is to be confirmed, or has ended."""

    Type = serializers.ChoiceField(choices=[CONFIRMATION, UNSUBSCRIPTION])
    Token = serializers.CharField()
    SubscribeURL = serializers.CharField()


class SnsParser(StrictJSONParser):
    """Amazon SNS sends JSON and calls it plain text."""

    media_type = "text/plain"


class SesWebhookView(APIView):
    """Where a topic of Amazon SNS reports what became of mails."""

    access = PUBLIC  # Amazon's signature says who it is
    authentication_classes: list[Any] = []
    throttle_classes: list[Any] = []  # a million mails are a million reports; strangers are turned away at no cost
    parser_classes = [SnsParser, StrictJSONParser]
    http_factory = staticmethod(sns_http)

    @extend_schema(
        request={
            "application/json": PolymorphicProxySerializer(
                component_name="SnsMessage",
                serializers=[SnsNotificationSerializer, SnsSubscriptionSerializer],
                resource_type_field_name=None,
            )
        },
        responses=inline_serializer("ReportTaken", {"status": serializers.CharField()}),
    )
    def post(self, request: Request) -> Response:
        """Bounces, complaints, deliveries, rejects, delays; and the confirmation of a subscription."""
        state = outcomes.receive(request.data, sender=client_of(request).ip, http=self.http_factory())
        return Response({"status": state})

"""What Amazon tells us by itself."""

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from foodfleet.core.clients import client_of
from foodfleet.core.parsers import StrictJSONParser
from notifications.gateways.sns_http import sns_http
from notifications.services import feedback


class SnsParser(StrictJSONParser):
    """Amazon SNS sends JSON and calls it plain text."""

    media_type = "text/plain"


class SesWebhookView(APIView):
    """Where a topic of Amazon SNS reports what became of mails."""

    permission_classes = [AllowAny]  # Amazon's signature says who it is
    authentication_classes: list[Any] = []
    throttle_classes: list[Any] = []  # a million mails are a million reports; strangers are turned away at no cost
    parser_classes = [SnsParser, StrictJSONParser]
    http_factory = staticmethod(sns_http)

    @extend_schema(
        request=OpenApiTypes.OBJECT,
        responses=inline_serializer("ReportTaken", {"status": serializers.CharField()}),
    )
    def post(self, request: Request) -> Response:
        """Bounces, complaints, deliveries, rejects, delays; and the confirmation of a subscription."""
        state = feedback.receive(request.data, sender=client_of(request).ip, http=self.http_factory())
        return Response({"status": state})

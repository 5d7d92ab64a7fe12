"""The versions of SMS templates and e-mail overrides."""

from collections.abc import Callable
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import generics
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from foodfleet.core.http.clients import client_of
from foodfleet.core.http.schema import raises
from notifications.api.serializers.email_overrides import EmailOverrideSerializer
from notifications.api.serializers.sms_templates import SmsTemplateSerializer
from notifications.api.serializers.versions import RestoreSerializer, VersionSerializer
from notifications.exceptions import (
    EmailOverrideNotFoundException,
    EmailTemplateNotFoundException,
    NewerVersionException,
    SmsTemplateNotFoundException,
    VersionNotFoundException,
)
from notifications.models import EmailOverrideVersion, SmsTemplateVersion
from notifications.services.templates import overrides, sms_templates
from rbac.api.guards import require_permission


class VersionsView(generics.ListAPIView[Any]):
    """The versions of one template, the newest first."""

    serializer_class = VersionSerializer
    ordering = "-number"
    ordering_fields = ("number",)
    find: Callable[[int], Any]

    def get_queryset(self) -> Any:
        return self.find(self.kwargs["pk"]).versions.all()


@raises(SmsTemplateNotFoundException)
@require_permission("sms_templates", "read")
class SmsTemplateVersionsView(VersionsView):
    """The versions of an SMS template."""

    queryset = SmsTemplateVersion.objects.none()
    find = staticmethod(sms_templates.find)


@raises(EmailOverrideNotFoundException)
@require_permission("email_templates", "read")
class EmailOverrideVersionsView(VersionsView):
    """The versions of an e-mail override."""

    queryset = EmailOverrideVersion.objects.none()
    find = staticmethod(overrides.find)


def _restore_arguments(request: Request) -> dict[str, Any]:
    serializer = RestoreSerializer(data=request.data)
    serializer.is_valid(raise_exception=True)
    return {"by": request.user, "client": client_of(request), **serializer.validated_data}


@require_permission("sms_templates", "update")
class RestoreSmsTemplateView(APIView):
    """Restore a version of an SMS template."""

    @raises(SmsTemplateNotFoundException, VersionNotFoundException, NewerVersionException)
    @extend_schema(request=RestoreSerializer, responses=SmsTemplateSerializer)
    def post(self, request: Request, pk: int, number: int) -> Response:
        """Save the content of this version again, as the newest version."""
        template = sms_templates.restore(pk=pk, number=number, **_restore_arguments(request))
        return Response(SmsTemplateSerializer(template).data)


@require_permission("email_templates", "update")
class RestoreEmailOverrideView(APIView):
    """Restore a version of an e-mail override."""

    @raises(
        EmailOverrideNotFoundException, EmailTemplateNotFoundException, VersionNotFoundException, NewerVersionException
    )
    @extend_schema(request=RestoreSerializer, responses=EmailOverrideSerializer)
    def post(self, request: Request, pk: int, number: int) -> Response:
        """Save the content of this version again, as the newest version."""
        override = overrides.restore(pk=pk, number=number, **_restore_arguments(request))
        return Response(EmailOverrideSerializer(override).data)

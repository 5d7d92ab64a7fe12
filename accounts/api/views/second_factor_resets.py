"""Staff take a second factor from somebody who lost it: one asks, another approves."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import generics, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.serializers import second_factor as shapes
from accounts.api.views.base import NO_CONTENT, signed_in_user, validated
from accounts.models import MFAReset
from accounts.services.mfa import resets
from foodfleet.core.http.clients import client_of
from rbac.api.guards import require_permission


@require_permission("users", "reset_2fa")
class ResetsView(generics.ListAPIView[MFAReset]):
    """Resets that were asked for."""

    serializer_class = shapes.ResetSerializer
    ordering = "-requested_at"
    ordering_fields = ("requested_at",)

    def get_queryset(self) -> Any:
        return MFAReset.objects.all()


@require_permission("users", "reset_2fa")
class RequestResetView(APIView):
    """Request the reset of a user's two-factor authentication."""

    @extend_schema(request=shapes.ResetInSerializer, responses={202: shapes.ResetSerializer})
    def post(self, request: Request, user_id: int) -> Response:
        """Nothing happens before somebody else approves."""
        reset = resets.request(
            user_id=user_id,
            actor=signed_in_user(request),
            client=client_of(request),
            **validated(request, shapes.ResetInSerializer),
        )
        return Response(shapes.ResetSerializer(reset).data, status=status.HTTP_202_ACCEPTED)


@require_permission("users", "reset_2fa")
class ApproveResetView(APIView):
    """One reset."""

    @extend_schema(request=None, responses=shapes.ResetSerializer)
    def post(self, request: Request, reset_id: int) -> Response:
        """Approve what somebody else asked for: it happens after 24 hours, and the owner is told at once."""
        reset = resets.approve(reset_id=reset_id, actor=signed_in_user(request), client=client_of(request))
        return Response(shapes.ResetSerializer(reset).data)


@require_permission("users", "reset_2fa")
class CancelResetView(APIView):
    """Call a reset off."""

    @extend_schema(request=None, responses={204: NO_CONTENT})
    def post(self, request: Request, reset_id: int) -> Response:
        """Nothing happens then."""
        resets.cancel_by_staff(reset_id=reset_id, actor=signed_in_user(request), client=client_of(request))
        return Response(status=status.HTTP_204_NO_CONTENT)

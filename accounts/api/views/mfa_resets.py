"""Resets of two-factor authentication by staff: one requests, another approves."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import generics, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.filters import ResetFilter
from accounts.api.serializers import mfa as schemas
from accounts.api.views.base import NO_CONTENT
from accounts.exceptions import ResetNotPossibleException, UserNotFoundException
from accounts.models import MFAReset
from accounts.models.users import signed_in_user
from accounts.services.mfa import resets
from foodfleet.core.exceptions import ForbiddenException, NotFoundException
from foodfleet.core.http.clients import client_of
from foodfleet.core.http.schema import raises
from foodfleet.core.http.serializers import validated
from rbac.api.guards import require_permission


@require_permission("users", "reset_2fa")
class ResetsView(generics.ListAPIView[MFAReset]):
    """Requested resets."""

    serializer_class = schemas.ResetSerializer
    filterset_class = ResetFilter
    queryset = MFAReset.objects.none()
    ordering = "-requested_at"
    ordering_fields = ("requested_at",)

    def get_queryset(self) -> Any:
        return MFAReset.objects.all()


@require_permission("users", "reset_2fa")
class RequestResetView(APIView):
    """Request the reset of a user's two-factor authentication."""

    @raises(UserNotFoundException, ForbiddenException, ResetNotPossibleException)
    @extend_schema(request=schemas.ResetInSerializer, responses={202: schemas.ResetSerializer})
    def post(self, request: Request, user_id: int) -> Response:
        """Request a reset, which another member of staff has to approve."""
        reset = resets.request(
            user_id=user_id,
            actor=signed_in_user(request),
            client=client_of(request),
            **validated(request, schemas.ResetInSerializer),
        )
        return Response(schemas.ResetSerializer(reset).data, status=status.HTTP_202_ACCEPTED)


@require_permission("users", "reset_2fa")
class ApproveResetView(APIView):
    """Approve a reset."""

    @raises(NotFoundException, ForbiddenException)
    @extend_schema(request=None, responses=schemas.ResetSerializer)
    def post(self, request: Request, reset_id: int) -> Response:
        """Approve the request of another user. The owner is notified now, and the reset happens after 24 hours."""
        reset = resets.approve(reset_id=reset_id, actor=signed_in_user(request), client=client_of(request))
        return Response(schemas.ResetSerializer(reset).data)


@require_permission("users", "reset_2fa")
class CancelResetView(APIView):
    """Cancel a reset."""

    @extend_schema(request=None, responses={204: NO_CONTENT})
    def post(self, request: Request, reset_id: int) -> Response:
        """Cancel a reset that has not happened yet."""
        resets.cancel_by_staff(reset_id=reset_id, actor=signed_in_user(request), client=client_of(request))
        return Response(status=status.HTTP_204_NO_CONTENT)

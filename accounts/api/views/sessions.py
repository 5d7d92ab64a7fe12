"""Sessions of the caller and, for staff, of other users."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import generics, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.serializers.sessions import SessionSerializer
from accounts.api.views.base import NO_CONTENT
from accounts.exceptions import SessionNotFoundException, UserNotFoundException
from accounts.models import Session
from accounts.models.users import signed_in_user
from accounts.services.sessions import sessions
from accounts.services.staff import sessions as staff_sessions
from foodfleet.core.http.access import DURING_REQUIRED_ACTIONS, SIGNED_IN
from foodfleet.core.http.clients import client_of
from foodfleet.core.http.schema import raises
from rbac.api.guards import require_permission
from rbac.exceptions import SuperusersOnlyException


class SessionsView(generics.ListAPIView[Session]):
    """The caller's sessions."""

    serializer_class = SessionSerializer
    queryset = Session.objects.none()
    access = SIGNED_IN
    ordering_fields = ["last_used_at", "created_at"]
    ordering = "-last_used_at"

    def get_queryset(self) -> Any:
        return sessions.of_user(signed_in_user(self.request))


class SessionView(APIView):
    """One of the caller's sessions."""

    access = SIGNED_IN

    @raises(SessionNotFoundException)
    @extend_schema(request=None, responses={204: NO_CONTENT})
    def delete(self, request: Request, session_id: UUID) -> Response:
        """End the session: its tokens are rejected from the next request on."""
        sessions.end_own(user=signed_in_user(request), session_id=session_id, client=client_of(request))
        return Response(status=status.HTTP_204_NO_CONTENT)


class LogoutAllView(APIView):
    """Sign out everywhere."""

    access = DURING_REQUIRED_ACTIONS

    @extend_schema(request=None, responses={204: NO_CONTENT})
    def post(self, request: Request) -> Response:
        """End every session of the caller, including this one."""
        sessions.end_all_own(user=signed_in_user(request), client=client_of(request))
        return Response(status=status.HTTP_204_NO_CONTENT)


@raises(UserNotFoundException)
@require_permission("sessions", "read")
class UserSessionsView(generics.ListAPIView[Session]):
    """The sessions of another user."""

    serializer_class = SessionSerializer
    ordering_fields = ["last_used_at", "created_at"]
    ordering = "-last_used_at"
    queryset = Session.objects.none()

    def get_queryset(self) -> Any:
        return staff_sessions.of(self.kwargs["user_id"])


@require_permission("sessions", "end")
class UserSessionView(APIView):
    """One session of another user."""

    @raises(UserNotFoundException, SessionNotFoundException, SuperusersOnlyException)
    @extend_schema(request=None, responses={204: NO_CONTENT})
    def delete(self, request: Request, user_id: int, session_id: UUID) -> Response:
        """End the session: its tokens are rejected from the next request on."""
        actor, client = signed_in_user(request), client_of(request)
        staff_sessions.end(pk=user_id, session_id=session_id, actor=actor, client=client)
        return Response(status=status.HTTP_204_NO_CONTENT)


@require_permission("sessions", "end")
class EndUserSessionsView(APIView):
    """Sign another user out everywhere."""

    @raises(UserNotFoundException, SuperusersOnlyException)
    @extend_schema(request=None, responses={204: NO_CONTENT})
    def post(self, request: Request, user_id: int) -> Response:
        """End every session of the user."""
        staff_sessions.end_all(pk=user_id, actor=signed_in_user(request), client=client_of(request))
        return Response(status=status.HTTP_204_NO_CONTENT)

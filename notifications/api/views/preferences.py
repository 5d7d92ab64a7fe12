"""Notification preferences of the caller."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.models.users import signed_in_user
from foodfleet.core.http import serializers
from foodfleet.core.http.access import SIGNED_IN
from foodfleet.core.http.schema import raises
from notifications.services.audience import preferences
from notifications.states import Kind
from rbac.api.guards import require_permission
from rbac.exceptions import HolderNotFoundException
from rbac.services import users


class PreferencesSerializer(serializers.Serializer[Any]):
    """Whether each kind of message is wanted. `security` is always sent."""

    security = serializers.BooleanField(read_only=True, default=True)
    account = serializers.BooleanField(required=False)
    marketing = serializers.BooleanField(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if self.initial_data.get("security", True) is not True:
            message = _("Messages about the safety of your account always come. They cannot be switched off.")
            raise serializers.ValidationError({"security": message})
        return attrs


class PreferencesView(APIView):
    """Notification preferences of the caller."""

    access = SIGNED_IN

    @extend_schema(responses=PreferencesSerializer)
    def get(self, request: Request) -> Response:
        """Get whether the caller wants each kind of message."""
        return Response(_shown(preferences.of(signed_in_user(request))))

    @extend_schema(request=PreferencesSerializer, responses=PreferencesSerializer)
    def patch(self, request: Request) -> Response:
        """Turn kinds of messages on or off; the others do not change."""
        serializer = PreferencesSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        changes = {Kind(name): wanted for name, wanted in serializer.validated_data.items()}
        return Response(_shown(preferences.change(user=signed_in_user(request), changes=changes)))


@require_permission("notifications", "read")
class UserPreferencesView(APIView):
    """Notification preferences of a user."""

    @raises(HolderNotFoundException)
    @extend_schema(responses=PreferencesSerializer)
    def get(self, request: Request, user_id: int) -> Response:
        """Get whether a user wants each kind of message. Only the user can change it."""
        return Response(_shown(preferences.of(users.find(user_id))))


def _shown(changes: dict[Kind, bool]) -> dict[str, bool]:
    return {Kind.SECURITY.value: True, **{kind.value: wanted for kind, wanted in changes.items()}}

"""What somebody may do, and why."""

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from foodfleet.core.http.access import SIGNED_IN
from rbac.api import serializers
from rbac.api.permissions import require_permission
from rbac.services import decisions, explanations, people


class CheckView(APIView):
    """Many questions at once."""

    access = SIGNED_IN

    @extend_schema(request=serializers.CheckInSerializer, responses=serializers.CheckSerializer)
    def post(self, request: Request) -> Response:
        """Whether you, or with `access:check` another user, hold each of these permissions."""
        shape = serializers.CheckInSerializer(data=request.data)
        shape.is_valid(raise_exception=True)
        asked = shape.validated_data
        user, user_id = request.user, asked.get("user")
        if user_id is not None and user_id != user.pk:
            decisions.require(user, "access:check")
            user = people.find(user_id)
        results = explanations.check(user=user, permissions=asked["permissions"], scope=asked.get("scope") or "")
        return Response({"results": results})


@require_permission("access", "check")
class ExplainView(APIView):
    """One question, answered in full."""

    @extend_schema(parameters=[serializers.ExplainInSerializer], responses=serializers.ExplanationSerializer)
    def get(self, request: Request) -> Response:
        """Every way by which a user holds a permission, now or `at` a time, or what is missing."""
        shape = serializers.ExplainInSerializer(data=request.query_params)
        shape.is_valid(raise_exception=True)
        asked = shape.validated_data
        result = explanations.explain(
            user=people.find_ever(asked["user"]),
            permission=asked["permission"],
            scope=asked.get("scope") or "",
            at=asked.get("at"),
        )
        return Response(serializers.ExplanationSerializer(result).data)

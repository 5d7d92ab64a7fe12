"""The caller's own data."""

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.serializers.fields import FrontendSerializer
from accounts.api.serializers.users import DeletionSerializer, MeSerializer
from accounts.api.views.base import NO_CONTENT, client_in_body, offer_own_data, session_id_of
from accounts.exceptions import LastSuperuserException
from accounts.models.users import signed_in_user
from accounts.services.account import export, own_deletion, profile
from foodfleet.core.exceptions import PayloadTooLargeException, ValidationException
from foodfleet.core.http.access import SIGNED_IN, Reauthentication
from foodfleet.core.http.clients import client_of
from foodfleet.core.http.schema import raises
from rbac.services import decisions


class MeView(APIView):
    """The caller's own data."""

    access = SIGNED_IN.with_reauthentication(DELETE=Reauthentication.ALWAYS)

    @extend_schema(responses=MeSerializer)
    def get(self, request: Request) -> Response:
        """Return the caller, with roles and permissions."""
        user = signed_in_user(request)
        access = decisions.access_of(user)
        data = MeSerializer(user).data
        if decisions.access_of(user) is access:
            offer_own_data(request, access)
        return Response(data)

    @extend_schema(request=MeSerializer, responses=MeSerializer)
    def patch(self, request: Request) -> Response:
        """Change names, language and attributes; omitted fields stay as they are."""
        user = signed_in_user(request)
        serializer = MeSerializer(user, data=request.data, partial=True)
        serializer.is_valid(raise_exception=True)
        return Response(MeSerializer(profile.change(user=user, **serializer.validated_data)).data)

    @raises(LastSuperuserException, PayloadTooLargeException, ValidationException)
    @extend_schema(request=FrontendSerializer, responses={202: DeletionSerializer})
    def delete(self, request: Request) -> Response:
        """Delete the caller's account in 14 days; until then it works and the deletion can be cancelled.

        Every other session ends, and an e-mail is sent now, three days before and at the end. A second call changes
        nothing. Without re-authentication (a sign-in, or `auth/proof/`, in the last ten minutes) the response is 403
        `fresh_proof_required`, for the last superuser 409 `conflict`.
        """
        due = own_deletion.request(
            user=signed_in_user(request), session_id=session_id_of(request), client=client_in_body(request)
        )
        return Response(DeletionSerializer({"deleted_at": due}).data, status=status.HTTP_202_ACCEPTED)


class CancelDeletionView(APIView):
    """Cancel the deletion of the caller's account."""

    access = SIGNED_IN.with_reauthentication(POST=Reauthentication.ALWAYS)

    @extend_schema(request=None, responses={204: NO_CONTENT})
    def post(self, request: Request) -> Response:
        """Cancel the deletion; 204 also if none is planned. Needs re-authentication, as the request did."""
        own_deletion.cancel(user=signed_in_user(request), client=client_of(request))
        return Response(status=status.HTTP_204_NO_CONTENT)


class ExportView(APIView):
    """Export the caller's data."""

    access = SIGNED_IN

    @extend_schema(responses={200: OpenApiTypes.OBJECT})
    def get(self, request: Request) -> Response:
        """Return all stored data about the caller as a JSON file."""
        user = signed_in_user(request)
        name = f"account-{user.pk}.json"
        data = export.own_data(user=user, client=client_of(request))
        return Response(data, headers={"Content-Disposition": f'attachment; filename="{name}"'})

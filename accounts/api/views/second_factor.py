"""The second factor: where it stands, on, off, new backup codes, fresh proof, remembered browsers."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import generics, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.serializers import second_factor as shapes
from accounts.api.views.base import NO_CONTENT, session_id_of, signed_in_user, validated
from accounts.models import TrustedBrowser
from accounts.services.mfa import enrolment, reauthentication, trusted_browsers
from accounts.services.mfa import methods as mfa_methods
from foodfleet.core.http.access import DURING_MFA_ENROLMENT, DURING_REQUIRED_ACTIONS, SIGNED_IN, Reauthentication
from foodfleet.core.http.clients import client_of
from foodfleet.core.http.throttling import SecondFactorThrottle


class OwnSecondFactorView(APIView):
    """A call about the caller's own two-factor authentication; open to those who have to set one up first."""

    access = DURING_MFA_ENROLMENT


class StatusView(OwnSecondFactorView):
    """The state of two-factor authentication."""

    @extend_schema(responses=shapes.StatusSerializer)
    def get(self, request: Request) -> Response:
        """Is it on, what can be shown, and how many backup codes are left."""
        user = signed_in_user(request)
        methods = mfa_methods.methods_of(user)
        left = mfa_methods.backup_codes_left(user)
        return Response({"enabled": bool(methods), "methods": methods, "backup_codes_remaining": left})


class SetupView(OwnSecondFactorView):
    """Set up an authenticator app."""

    access = DURING_MFA_ENROLMENT.with_reauthentication(POST=Reauthentication.WITH_MFA)
    throttle_classes = [SecondFactorThrottle]

    @extend_schema(request=shapes.PasswordInSerializer, responses=shapes.SetupSerializer)
    def post(self, request: Request) -> Response:
        """Make a secret; it counts once a code of it was proved. Calling again starts over."""
        user, session_id = signed_in_user(request), session_id_of(request)
        password = validated(request, shapes.PasswordInSerializer)["password"]
        reauthentication.reauthenticate_with_password(
            user=user, session_id=session_id, password=password, client=client_of(request)
        )
        setup = enrolment.start_totp(user=user, session_id=session_id)
        return Response(shapes.SetupSerializer(setup).data)


class VerifyView(OwnSecondFactorView):
    """Turn two-factor authentication on."""

    throttle_classes = [SecondFactorThrottle]

    @extend_schema(request=shapes.CodeInSerializer, responses=shapes.BackupCodesSerializer)
    def post(self, request: Request) -> Response:
        """Prove a code of the app; answers ten backup codes, which are never shown again."""
        codes = enrolment.confirm_totp(
            user=signed_in_user(request),
            session_id=session_id_of(request),
            code=validated(request, shapes.CodeInSerializer)["code"],
            client=client_of(request),
        )
        return Response({"backup_codes": codes})


class BackupCodesView(OwnSecondFactorView):
    """New backup codes."""

    throttle_classes = [SecondFactorThrottle]

    @extend_schema(request=shapes.CodeInSerializer, responses=shapes.BackupCodesSerializer)
    def post(self, request: Request) -> Response:
        """Make ten new backup codes; the old ones are void."""
        code = validated(request, shapes.CodeInSerializer)["code"]
        codes = enrolment.replace_backup_codes_by_code(
            user=signed_in_user(request), code=code, client=client_of(request)
        )
        return Response({"backup_codes": codes})


class DisableView(OwnSecondFactorView):
    """Turn two-factor authentication off."""

    throttle_classes = [SecondFactorThrottle]

    @extend_schema(request=shapes.PasswordAndCodeSerializer, responses={204: NO_CONTENT})
    def post(self, request: Request) -> Response:
        """Remove every passkey, authenticator app, backup code and remembered browser of the caller."""
        data = validated(request, shapes.PasswordAndCodeSerializer)
        user, session_id, client = signed_in_user(request), session_id_of(request), client_of(request)
        reauthentication.reauthenticate(user=user, session_id=session_id, client=client, **data)
        enrolment.disable(user=user, session_id=session_id, client=client)
        return Response(status=status.HTTP_204_NO_CONTENT)


class ProofView(OwnSecondFactorView):
    """Re-authentication."""

    access = DURING_REQUIRED_ACTIONS
    throttle_classes = [SecondFactorThrottle]

    @extend_schema(request=shapes.ProofSerializer, responses={204: NO_CONTENT})
    def post(self, request: Request) -> Response:
        """Show password and two-factor code again, which lets this session change security settings for ten minutes."""
        data = validated(request, shapes.ProofSerializer)
        session_id: UUID = session_id_of(request)
        reauthentication.reauthenticate(
            user=signed_in_user(request), session_id=session_id, client=client_of(request), **data
        )
        return Response(status=status.HTTP_204_NO_CONTENT)


class TrustedBrowsersView(generics.ListAPIView[TrustedBrowser]):
    """Browsers that skip two-factor authentication."""

    access = SIGNED_IN
    serializer_class = shapes.TrustedBrowserSerializer
    ordering = "-last_used_at"
    ordering_fields = ("last_used_at", "created_at")

    def get_queryset(self) -> Any:
        return trusted_browsers.live(signed_in_user(self.request))


class TrustedBrowserView(APIView):
    """One remembered browser."""

    access = SIGNED_IN

    @extend_schema(responses={204: NO_CONTENT})
    def delete(self, request: Request, browser_id: int) -> Response:
        """Ask this browser for two-factor authentication again."""
        trusted_browsers.forget(user=signed_in_user(request), browser_id=browser_id, client=client_of(request))
        return Response(status=status.HTTP_204_NO_CONTENT)

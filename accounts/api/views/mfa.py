"""Two-factor authentication: status, on and off, backup codes, re-authentication, remembered browsers."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import generics, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.serializers import mfa as schemas
from accounts.api.throttles import MFAThrottle
from accounts.api.views.base import NO_CONTENT, session_id_of
from accounts.exceptions import (
    AccountLockedException,
    AuthenticatorExistsException,
    Invalid2FACodeException,
    InvalidCredentialsException,
    UserNotFoundException,
)
from accounts.models import TrustedBrowser, User
from accounts.models.users import signed_in_user
from accounts.services.mfa import enrolment, reauthentication, trusted_browsers
from accounts.services.mfa import methods as mfa_methods
from accounts.services.staff import protections
from foodfleet.core.http.access import DURING_MFA_ENROLMENT, DURING_REQUIRED_ACTIONS, SIGNED_IN, Reauthentication
from foodfleet.core.http.clients import client_of
from foodfleet.core.http.schema import raises
from foodfleet.core.http.serializers import validated
from rbac.api.guards import require_permission


class OwnMfaView(APIView):
    """A view of the caller's own two-factor authentication, open while its set-up is a required action."""

    access = DURING_MFA_ENROLMENT


class StatusView(OwnMfaView):
    """The state of two-factor authentication."""

    @extend_schema(responses=schemas.StatusSerializer)
    def get(self, request: Request) -> Response:
        """Return whether it is on, its methods and how many backup codes are left."""
        return _status(signed_in_user(request))


@require_permission("users", "read")
class UserStatusView(APIView):
    """The state of a user's two-factor authentication."""

    @raises(UserNotFoundException)
    @extend_schema(responses=schemas.StatusSerializer)
    def get(self, request: Request, user_id: int) -> Response:
        """Return whether it is on, its methods and how many backup codes are left."""
        return _status(protections.find(user_id))


def _status(user: User) -> Response:
    methods = mfa_methods.methods_of(user)
    left = mfa_methods.backup_codes_left(user)
    return Response({"enabled": bool(methods), "methods": methods, "backup_codes_remaining": left})


class SetupView(OwnMfaView):
    """Set up an authenticator app."""

    access = DURING_MFA_ENROLMENT.with_reauthentication(POST=Reauthentication.WITH_MFA)
    throttle_classes = [MFAThrottle]

    @raises(InvalidCredentialsException, AccountLockedException, AuthenticatorExistsException)
    @extend_schema(request=schemas.PasswordInSerializer, responses=schemas.SetupSerializer)
    def post(self, request: Request) -> Response:
        """Create a secret. It is in use once a code has been confirmed; another call creates another secret."""
        user, session_id = signed_in_user(request), session_id_of(request)
        password = validated(request, schemas.PasswordInSerializer)["password"]
        reauthentication.reauthenticate_with_password(
            user=user, session_id=session_id, password=password, client=client_of(request)
        )
        setup = enrolment.start_totp(user=user, session_id=session_id)
        return Response(schemas.SetupSerializer(setup).data)


class VerifyView(OwnMfaView):
    """Turn two-factor authentication on."""

    throttle_classes = [MFAThrottle]

    @raises(Invalid2FACodeException)
    @extend_schema(request=schemas.CodeInSerializer, responses=schemas.BackupCodesSerializer)
    def post(self, request: Request) -> Response:
        """Confirm the set-up with a code of the app. Returns ten backup codes, which are never shown again."""
        codes = enrolment.confirm_totp(
            user=signed_in_user(request),
            session_id=session_id_of(request),
            code=validated(request, schemas.CodeInSerializer)["code"],
            client=client_of(request),
        )
        return Response({"backup_codes": codes})


class BackupCodesView(OwnMfaView):
    """New backup codes."""

    throttle_classes = [MFAThrottle]

    @raises(Invalid2FACodeException)
    @extend_schema(request=schemas.CodeInSerializer, responses=schemas.BackupCodesSerializer)
    def post(self, request: Request) -> Response:
        """Create ten new backup codes and revoke the old ones."""
        code = validated(request, schemas.CodeInSerializer)["code"]
        codes = enrolment.replace_backup_codes_by_code(
            user=signed_in_user(request), code=code, client=client_of(request)
        )
        return Response({"backup_codes": codes})


class DisableView(OwnMfaView):
    """Turn two-factor authentication off."""

    throttle_classes = [MFAThrottle]

    @raises(InvalidCredentialsException, AccountLockedException, Invalid2FACodeException)
    @extend_schema(request=schemas.PasswordAndCodeSerializer, responses={204: NO_CONTENT})
    def post(self, request: Request) -> Response:
        """Remove every passkey, authenticator app, backup code and remembered browser of the caller."""
        data = validated(request, schemas.PasswordAndCodeSerializer)
        user, session_id, client = signed_in_user(request), session_id_of(request), client_of(request)
        reauthentication.reauthenticate(user=user, session_id=session_id, client=client, **data)
        enrolment.disable(user=user, session_id=session_id, client=client)
        return Response(status=status.HTTP_204_NO_CONTENT)


class ReauthenticationView(OwnMfaView):
    """Re-authentication."""

    access = DURING_REQUIRED_ACTIONS
    throttle_classes = [MFAThrottle]

    @raises(InvalidCredentialsException, AccountLockedException, Invalid2FACodeException)
    @extend_schema(request=schemas.ReauthenticationSerializer, responses={204: NO_CONTENT})
    def post(self, request: Request) -> Response:
        """Re-authenticate with password and two-factor code. Security settings can then be changed for ten minutes."""
        data = validated(request, schemas.ReauthenticationSerializer)
        session_id: UUID = session_id_of(request)
        reauthentication.reauthenticate(
            user=signed_in_user(request), session_id=session_id, client=client_of(request), **data
        )
        return Response(status=status.HTTP_204_NO_CONTENT)


class TrustedBrowsersView(generics.ListAPIView[TrustedBrowser]):
    """Browsers that skip two-factor authentication."""

    queryset = TrustedBrowser.objects.none()
    access = SIGNED_IN
    serializer_class = schemas.TrustedBrowserSerializer
    ordering = "-last_used_at"
    ordering_fields = ("last_used_at", "created_at")

    def get_queryset(self) -> Any:
        return trusted_browsers.live(signed_in_user(self.request))


class TrustedBrowserView(APIView):
    """One remembered browser."""

    access = SIGNED_IN

    @extend_schema(responses={204: NO_CONTENT})
    def delete(self, request: Request, browser_id: int) -> Response:
        """Require two-factor authentication from this browser again."""
        trusted_browsers.forget(user=signed_in_user(request), browser_id=browser_id, client=client_of(request))
        return Response(status=status.HTTP_204_NO_CONTENT)

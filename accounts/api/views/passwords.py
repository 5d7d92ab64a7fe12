"""Password changes and resets."""

from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.serializers.passwords import ChangePasswordSerializer, ResetPasswordSerializer
from accounts.api.serializers.sign_in import DetailSerializer, EmailInSerializer, TokenInSerializer
from accounts.api.throttles import ForgotThrottle, LoginThrottle
from accounts.api.views.base import NO_CONTENT, OpenView, session_id_of, validated_with_client
from accounts.exceptions import (
    AccountLockedException,
    InvalidCredentialsException,
    InvalidTokenException,
    PasswordReusedException,
    WeakPasswordException,
)
from accounts.models.users import signed_in_user
from accounts.services.account import password_change, password_reset, report_compromise
from foodfleet.core.http.access import DURING_REQUIRED_ACTIONS, Reauthentication
from foodfleet.core.http.clients import client_of
from foodfleet.core.http.schema import raises
from foodfleet.core.http.serializers import validated


class ForgotPasswordView(OpenView):
    """Request a link to reset the password."""

    throttle_classes = [ForgotThrottle]

    @extend_schema(request=EmailInSerializer, responses={202: DetailSerializer})
    def post(self, request: Request) -> Response:
        """Send the link if the address has an account and is confirmed; the response is always the same."""
        values, client = validated_with_client(request, EmailInSerializer)
        password_reset.request(**values, client=client)
        detail = _("If there is an account with this address, we sent it a link to choose a new password.")
        return Response({"detail": detail}, status=status.HTTP_202_ACCEPTED)


class ResetPasswordView(OpenView):
    """Reset the password with a link."""

    throttle_classes = [ForgotThrottle]

    @raises(InvalidTokenException, WeakPasswordException, PasswordReusedException)
    @extend_schema(request=ResetPasswordSerializer, responses={204: NO_CONTENT})
    def post(self, request: Request) -> Response:
        """Set a password with the token of a reset or invitation; all sessions end.

        A rejected password does not consume the token.
        """
        password_reset.reset(**validated(request, ResetPasswordSerializer), client=client_of(request))
        return Response(status=status.HTTP_204_NO_CONTENT)


class ReportCompromiseView(OpenView):
    """Report a compromise."""

    throttle_classes = [ForgotThrottle]

    @raises(InvalidTokenException)
    @extend_schema(request=TokenInSerializer, responses={204: NO_CONTENT})
    def post(self, request: Request) -> Response:
        """Secure the account with the token of a "Wasn't you?" link.

        Every session ends, the password no longer works, and an e-mail has a link to choose another.
        """
        report_compromise.report(**validated(request, TokenInSerializer), client=client_of(request))
        return Response(status=status.HTTP_204_NO_CONTENT)


class ChangePasswordView(APIView):
    """Change the caller's password."""

    access = DURING_REQUIRED_ACTIONS.with_reauthentication(POST=Reauthentication.WITH_MFA)
    throttle_classes = [LoginThrottle]

    @raises(InvalidCredentialsException, AccountLockedException, WeakPasswordException, PasswordReusedException)
    @extend_schema(request=ChangePasswordSerializer, responses={204: NO_CONTENT})
    def post(self, request: Request) -> Response:
        """Replace the password; every other session ends.

        With two-factor authentication on, the session needs re-authentication (a sign-in with it, or `auth/proof/`, in
        the last ten minutes), otherwise the response is 403 `fresh_proof_required`. With it off, the password suffices.
        """
        data, client = validated_with_client(request, ChangePasswordSerializer)
        user, session_id = signed_in_user(request), session_id_of(request)
        password_change.change(
            user=user,
            current=data["current_password"],
            new=data["new_password"],
            client=client,
            keep=session_id,
        )
        return Response(status=status.HTTP_204_NO_CONTENT)

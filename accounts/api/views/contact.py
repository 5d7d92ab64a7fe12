"""Changes of e-mail address and phone."""

from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.serializers.contact import ChangeEmailSerializer, PhoneCodeInSerializer, PhoneInSerializer
from accounts.api.serializers.sign_in import DetailSerializer, TokenInSerializer
from accounts.api.throttles import ForgotThrottle, MFAThrottle
from accounts.api.views.base import NO_CONTENT, OpenView, validated_with_client
from accounts.exceptions import (
    AccountLockedException,
    InvalidCredentialsException,
    InvalidTokenException,
    UserAlreadyExistsException,
)
from accounts.models.users import signed_in_user
from accounts.services.account import email
from accounts.services.account import phone as account_phone
from accounts.services.mfa import reauthentication
from foodfleet.core.http.access import SIGNED_IN, Reauthentication
from foodfleet.core.http.clients import client_of
from foodfleet.core.http.schema import raises
from foodfleet.core.http.serializers import validated


class ChangeEmailView(APIView):
    """Request a change of the e-mail address."""

    access = SIGNED_IN.with_reauthentication(POST=Reauthentication.WITH_MFA)
    throttle_classes = [ForgotThrottle]

    @raises(InvalidCredentialsException, AccountLockedException, UserAlreadyExistsException)
    @extend_schema(request=ChangeEmailSerializer, responses={202: DetailSerializer})
    def post(self, request: Request) -> Response:
        """Send a link to the new address. The old address keeps working and is notified until you confirm.

        With two-factor authentication on, the session also needs re-authentication, as for `auth/password/change/`.
        """
        data, client = validated_with_client(request, ChangeEmailSerializer)
        user = signed_in_user(request)
        reauthentication.confirm_password(user=user, password=data["password"], client=client)
        email.request(user=user, new_email=data["email"], client=client)
        detail = _("We sent an e-mail to the new address. Open the link in it to finish the change.")
        return Response({"detail": detail}, status=status.HTTP_202_ACCEPTED)


class ConfirmEmailView(OpenView):
    """Confirm a new e-mail address."""

    throttle_classes = [ForgotThrottle]

    @raises(InvalidTokenException, UserAlreadyExistsException)
    @extend_schema(request=TokenInSerializer, responses={204: NO_CONTENT})
    def post(self, request: Request) -> Response:
        """Confirm the change with the token sent to the new address."""
        email.confirm(**validated(request, TokenInSerializer), client=client_of(request))
        return Response(status=status.HTTP_204_NO_CONTENT)


class UndoEmailView(OpenView):
    """Undo a change of the e-mail address."""

    throttle_classes = [ForgotThrottle]

    @raises(InvalidTokenException, UserAlreadyExistsException)
    @extend_schema(request=TokenInSerializer, responses={204: NO_CONTENT})
    def post(self, request: Request) -> Response:
        """Restore the old address with the token sent to it; every session ends."""
        email.undo(**validated(request, TokenInSerializer), client=client_of(request))
        return Response(status=status.HTTP_204_NO_CONTENT)


class PhoneView(APIView):
    """Set the phone number."""

    access = SIGNED_IN.with_reauthentication(POST=Reauthentication.WITH_MFA)
    throttle_classes = [MFAThrottle]

    @extend_schema(request=PhoneInSerializer, responses={202: DetailSerializer})
    def post(self, request: Request) -> Response:
        """Send a code to the number. The old number stays until you confirm the new one.

        With two-factor authentication on, the session needs re-authentication: codes may be sent to the number.
        """
        data = validated(request, PhoneInSerializer)
        account_phone.request_code(user=signed_in_user(request), phone=data["phone"], client=client_of(request))
        detail = _("We texted you a code. It expires in 10 minutes.")
        return Response({"detail": detail}, status=status.HTTP_202_ACCEPTED)


class VerifyPhoneView(APIView):
    """Confirm the phone number."""

    access = SIGNED_IN
    throttle_classes = [MFAThrottle]

    @extend_schema(request=PhoneCodeInSerializer, responses={204: NO_CONTENT})
    def post(self, request: Request) -> Response:
        """Confirm the number with the code from the SMS."""
        code = validated(request, PhoneCodeInSerializer)["code"]
        account_phone.verify(user=signed_in_user(request), code=code, client=client_of(request))
        return Response(status=status.HTTP_204_NO_CONTENT)

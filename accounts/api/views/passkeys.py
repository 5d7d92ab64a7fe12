"""The caller's passkeys."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import generics, status
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.serializers import mfa as schemas
from accounts.api.throttles import MFAThrottle
from accounts.api.views.base import NO_CONTENT, session_id_of
from accounts.api.views.mfa import OwnMfaView
from accounts.exceptions import Invalid2FACodeException, TooManyPasskeysException
from accounts.models import Passkey
from accounts.models.users import signed_in_user
from accounts.services.mfa import passkeys, reauthentication
from foodfleet.core.http.access import DURING_MFA_ENROLMENT, DURING_REQUIRED_ACTIONS, Reauthentication
from foodfleet.core.http.clients import client_of
from foodfleet.core.http.schema import raises
from foodfleet.core.http.serializers import validated


class PasskeysView(OwnMfaView, generics.ListAPIView[Passkey]):
    """Passkeys of the caller."""

    queryset = Passkey.objects.none()
    access = DURING_MFA_ENROLMENT.with_reauthentication(POST=Reauthentication.ALWAYS)
    serializer_class = schemas.PasskeySerializer
    ordering = "created_at"
    ordering_fields = ("created_at",)

    def get_queryset(self) -> Any:
        return Passkey.objects.of(signed_in_user(self.request))

    @raises(Invalid2FACodeException, TooManyPasskeysException)
    @extend_schema(request=schemas.NewPasskeySerializer, responses={201: schemas.AddedPasskeySerializer})
    def post(self, request: Request) -> Response:
        """Save the passkey that the browser created. Needs re-authentication."""
        data = validated(request, schemas.NewPasskeySerializer)
        added = passkeys.add(
            user=signed_in_user(request),
            session_id=session_id_of(request),
            challenge=data["challenge"],
            credential=data["credential"],
            requested=passkeys.PasskeySettings(data["name"], data["passwordless"]),
            client=client_of(request),
        )
        body = {**schemas.PasskeySerializer(added.passkey).data, "backup_codes": added.backup_codes}
        return Response(body, status=status.HTTP_201_CREATED)


class PasskeyOptionsView(OwnMfaView):
    """Start to add a passkey."""

    access = DURING_MFA_ENROLMENT.with_reauthentication(POST=Reauthentication.ALWAYS)
    throttle_classes = [MFAThrottle]

    @raises(TooManyPasskeysException)
    @extend_schema(request=None, responses=schemas.PasskeyChallengeSerializer)
    def post(self, request: Request) -> Response:
        """Return the options for `navigator.credentials.create`. Needs re-authentication."""
        challenge = passkeys.begin(
            user=signed_in_user(request), session_id=session_id_of(request), client=client_of(request)
        )
        return Response(schemas.PasskeyChallengeSerializer(challenge).data)


class PasskeyView(OwnMfaView):
    """One passkey of the caller."""

    access = DURING_MFA_ENROLMENT.with_reauthentication(
        PATCH=Reauthentication.BY_SERVICE, DELETE=Reauthentication.WITH_MFA
    )

    @extend_schema(request=schemas.PasskeySerializer, responses=schemas.PasskeySerializer)
    def patch(self, request: Request, passkey_id: int) -> Response:
        """Rename the passkey, or allow or forbid sign-in by it alone (which needs re-authentication)."""
        user = signed_in_user(request)
        known = passkeys.own(user, passkey_id)
        serializer = schemas.PasskeySerializer(data=request.data, partial=True)
        serializer.is_valid(raise_exception=True)
        requested = {"name": known.name, "passwordless": known.passwordless, **serializer.validated_data}
        passkey = passkeys.change(
            user=user,
            session_id=session_id_of(request),
            passkey_id=passkey_id,
            requested=passkeys.PasskeySettings(**requested),
            client=client_of(request),
        )
        return Response(schemas.PasskeySerializer(passkey).data)

    @extend_schema(responses={204: NO_CONTENT})
    def delete(self, request: Request, passkey_id: int) -> Response:
        """Remove the passkey. Needs re-authentication."""
        passkeys.remove(
            user=signed_in_user(request),
            session_id=session_id_of(request),
            passkey_id=passkey_id,
            client=client_of(request),
        )
        return Response(status=status.HTTP_204_NO_CONTENT)


class ReauthenticationOptionsView(OwnMfaView):
    """Start re-authentication by passkey."""

    access = DURING_REQUIRED_ACTIONS
    throttle_classes = [MFAThrottle]

    @extend_schema(request=None, responses=schemas.PasskeyChallengeSerializer)
    def post(self, request: Request) -> Response:
        """Return the options for `navigator.credentials.get`."""
        challenge = reauthentication.passkey_challenge(user=signed_in_user(request), client=client_of(request))
        return Response(schemas.PasskeyChallengeSerializer(challenge).data)


class PasskeyReauthenticationView(OwnMfaView):
    """Re-authentication by passkey."""

    access = DURING_REQUIRED_ACTIONS
    throttle_classes = [MFAThrottle]

    @raises(Invalid2FACodeException)
    @extend_schema(request=schemas.PasskeyAssertionSerializer, responses={204: NO_CONTENT})
    def post(self, request: Request) -> Response:
        """Re-authenticate with a passkey instead of password and code."""
        data = validated(request, schemas.PasskeyAssertionSerializer)
        reauthentication.reauthenticate_with_passkey(
            user=signed_in_user(request),
            session_id=session_id_of(request),
            challenge=data["challenge"],
            credential=data["credential"],
            client=client_of(request),
        )
        return Response(status=status.HTTP_204_NO_CONTENT)

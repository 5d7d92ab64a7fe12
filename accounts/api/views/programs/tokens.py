"""OAuth endpoints, for OAuth client libraries and for other services that receive our tokens.

They follow RFC 6749 4.4 (client credentials), RFC 7662 (introspection) and RFC 7009 (revocation).
"""

from typing import Any

from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import cache_control
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.authentication import BearerAuthentication, PageSessionAuthentication
from accounts.api.client_authentication import ClientAuthentication, basic_credentials, client_key
from accounts.api.serializers.programs import (
    IntrospectionSerializer,
    IssuedTokenSerializer,
    TokenParameterSerializer,
    TokenRequestSerializer,
)
from accounts.api.views.base import OpenView
from accounts.exceptions import (
    AddressNotAllowedException,
    InvalidClientException,
    TokenRequestException,
    UnsupportedGrantTypeException,
    UnsupportedScopeException,
)
from accounts.services.jwt import keyring
from accounts.services.programs import access_tokens, introspection
from foodfleet.core.http import serializers
from foodfleet.core.http.access import PUBLIC, endpoint
from foodfleet.core.http.bodies.parsers import StrictFormParser, StrictJSONParser
from foodfleet.core.http.clients import client_of
from foodfleet.core.http.errors import field_errors
from foodfleet.core.http.schema import raises
from rbac.api.guards import require_permission

GRANT_TYPE = "client_credentials"
CACHE_SECONDS = 60  # of the public keys; short, because a new key signs immediately


class OAuthView(APIView):
    """A view that accepts forms as well as JSON, and whose errors OAuth client libraries understand."""

    parser_classes = [StrictJSONParser, StrictFormParser]

    def handle_exception(self, exc: Exception) -> Response:
        """Return the usual body, but with the code in `error` (RFC 6749 5.2) and the sentence in `details`."""
        response = super().handle_exception(exc)
        body: Any = response.data
        details = body["details"] or {"description": body["error"]}
        response.data = {**body, "error": body["code"], "details": details}
        return response


def form_or_json(serializer_class: type[serializers.Serializer[Any]]) -> dict[str, Any]:
    """Return the description of a body that is a form, as OAuth requires, or JSON."""
    return dict.fromkeys(("application/x-www-form-urlencoded", "application/json"), serializer_class)


def parameters_of(request: Request, serializer_class: type[serializers.Serializer[Any]]) -> dict[str, Any]:
    """Return the validated parameters. Raises TokenRequestException, because OAuth requires 400 and not 422."""
    serializer = serializer_class(data=request.data)
    if not serializer.is_valid():
        raise TokenRequestException(details=field_errors(serializer.errors))
    return dict(serializer.validated_data)


class TokenView(OAuthView, OpenView):
    """The token endpoint of OAuth."""

    @raises(
        TokenRequestException,
        UnsupportedGrantTypeException,
        UnsupportedScopeException,
        InvalidClientException,
        AddressNotAllowedException,
    )
    @extend_schema(
        request=form_or_json(TokenRequestSerializer),
        responses=IssuedTokenSerializer,
    )
    def post(self, request: Request) -> Response:
        """Exchange an API key of a service account for an access token that is valid for 15 minutes.

        `client_id` is the key's prefix or the account's id, `client_secret` the whole key. They may be sent by HTTP
        Basic authentication instead. In errors, `error` is the code, as OAuth requires.
        """
        basic = basic_credentials(request)
        values = parameters_of(request, TokenRequestSerializer)
        if values["grant_type"] != GRANT_TYPE:
            raise UnsupportedGrantTypeException
        if values.get("scope"):
            raise UnsupportedScopeException
        credentials = basic or (values.get("client_id", ""), values.get("client_secret", ""))
        if not all(credentials):
            raise InvalidClientException(with_basic=basic is not None)
        key = client_key(request, *credentials, with_basic=basic is not None)
        return Response(IssuedTokenSerializer(access_tokens.issue(key)).data)


@require_permission("tokens", "introspect")
class IntrospectView(OAuthView):
    """Introspection of tokens by other services."""

    authentication_classes = [BearerAuthentication, PageSessionAuthentication, ClientAuthentication]
    throttle_classes: list[Any] = []  # a service may send a request for each one that it gets

    @raises(TokenRequestException, InvalidClientException)
    @extend_schema(
        request=form_or_json(TokenParameterSerializer),
        responses=IntrospectionSerializer,
    )
    def post(self, request: Request) -> Response:
        """Return whether an access token, refresh token or API key is valid now, and whose it is.

        The response is `{"active": false}` for a token that is unknown, expired or revoked, or whose account is closed.
        `scope` has the permissions that its user has without a scope. A token with the `token_type` `refresh_token`
        gives no access by itself. Compare `allowed_networks`, if present, with the address that used the token.
        """
        token = parameters_of(request, TokenParameterSerializer)["token"]
        return Response(introspection.introspect(token=token, client=client_of(request)))


class RevokeView(OAuthView, OpenView):
    """Revocation of tokens."""

    @raises(TokenRequestException)
    @extend_schema(
        request=form_or_json(TokenParameterSerializer),
        responses={200: OpenApiResponse(description="The token is revoked, or was not valid.")},
    )
    def post(self, request: Request) -> Response:
        """Revoke a token: it is rejected from the next request on.

        A refresh or access token of a person ends its session. An access token of a program or an API key is revoked
        alone. No other credentials are needed, so anybody who finds a leaked token can revoke it.
        """
        token = parameters_of(request, TokenParameterSerializer)["token"]
        introspection.revoke(token=token, client=client_of(request))
        return Response({}, status=status.HTTP_200_OK)


@endpoint(PUBLIC, "GET")
@cache_control(public=True, max_age=CACHE_SECONDS)
def jwks(request: HttpRequest) -> JsonResponse:
    """Return the JSON Web Key Set (RFC 7517), newest key first; empty with HS256, whose keys are secret."""
    return JsonResponse({"keys": keyring.public_keys()})

"""Authentication of programs by client id and client secret (RFC 6749 2.3.1)."""

import base64
import binascii
from typing import Any
from urllib.parse import unquote_plus

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from accounts.exceptions import InvalidApiKeyException, InvalidClientException
from accounts.models import ApiKey, User
from accounts.services.mfa import methods
from accounts.services.programs import access_tokens
from foodfleet.core.http import throttling
from foodfleet.core.http.clients import client_of


def basic_credentials(request: Request) -> tuple[str, str] | None:
    """Return client id and secret of HTTP Basic authentication, which are form-encoded (RFC 6749 2.3.1)."""
    scheme, _, encoded = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        client_id, colon, secret = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        raise InvalidClientException(with_basic=True) from None
    if not colon:
        raise InvalidClientException(with_basic=True)
    return unquote_plus(client_id), unquote_plus(secret)


class ClientAuthentication(BaseAuthentication):
    """The API key of a service account, by HTTP Basic authentication or in the body."""

    def authenticate(self, request: Request) -> tuple[User, ApiKey] | None:
        basic = basic_credentials(request)
        credentials = basic or _credentials_in_body(request)
        if credentials is None:
            return None
        key = client_key(request, *credentials, with_basic=basic is not None)
        methods.add_verification(key.user, key.pk)
        return key.user, key

    def authenticate_header(self, request: Request) -> str:
        return InvalidClientException.BASIC


def _credentials_in_body(request: Request) -> tuple[str, str] | None:
    values = request.data if isinstance(request.data, dict) else {}
    found = values.get("client_id"), values.get("client_secret")
    return (found[0], found[1]) if isinstance(found[0], str) and isinstance(found[1], str) else None


def client_key(request: Request, client_id: str, secret: str, *, with_basic: bool) -> ApiKey:
    """Return the API key with these credentials; throttles failures. Raises InvalidClientException."""
    client = client_of(request)
    try:
        return access_tokens.authenticate(client_id=client_id, client_secret=secret, client=client)
    except InvalidApiKeyException:
        throttling.count("api_key", client)
        raise InvalidClientException(with_basic=with_basic) from None


class ClientScheme(OpenApiAuthenticationExtension):
    """ClientAuthentication in the OpenAPI document."""

    target_class = ClientAuthentication
    name = "client"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "basic"}

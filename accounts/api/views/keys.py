"""The public keys for verifying our tokens."""

from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import cache_control

from accounts.services.jwt import keyring
from foodfleet.core.http.access import PUBLIC, endpoint

CACHE_SECONDS = 60  # a new key is used at once


@endpoint(PUBLIC, "GET")
@cache_control(public=True, max_age=CACHE_SECONDS)
def jwks(request: HttpRequest) -> JsonResponse:
    """A JSON Web Key Set (RFC 7517), newest key first; empty with HS256, whose keys are secret."""
    return JsonResponse({"keys": keyring.public_keys()})

"""Access tokens of service accounts by the client credentials grant (RFC 6749 4.4), for clients that use OAuth.

Such a token names its API key in the claims `sid` and `client_id`. It has the permissions of the key and is valid as
long as the key is.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hmac import compare_digest

from django.db import transaction
from django.db.models import Exists

from accounts.exceptions import InvalidApiKeyException, InvalidSessionTokenException
from accounts.models import ApiKey, RevokedToken
from accounts.models.users import SIGNING_KEYS, cache_key
from accounts.services.jwt import keyring
from accounts.services.jwt.tokens import AccessToken, SessionToken
from accounts.services.programs import key_authentication
from accounts.services.programs.api_keys import SCHEME
from foodfleet.core.cache import coherent
from foodfleet.core.http.clients import Client

LIFETIME = timedelta(minutes=15)  # there is no refresh token: the program exchanges its key again
CLAIM = "client_id"
CACHED_TOKENS = 20_000

_unrevoked: coherent.Cache[bool] = coherent.Cache(size=CACHED_TOKENS, name="revocations")


@dataclass(frozen=True)
class IssuedToken:
    """A new access token. expires_in: seconds."""

    access_token: str = field(repr=False)
    expires_in: int


def authenticate(*, client_id: str, client_secret: str, client: Client) -> ApiKey:
    """Return the API key of a service account that these credentials name.

    client_id: the key's prefix or the account's id. client_secret: the whole key; with its prefix as client_id also the
    secret part alone. Raises InvalidApiKeyException or AddressNotAllowedException.
    """
    text = client_secret if client_secret.startswith(SCHEME) else f"{SCHEME}{client_id}_{client_secret}"
    key = key_authentication.authenticate(text=text, client=client)
    matches_id = any(compare_digest(client_id.encode(), name.encode()) for name in (key.prefix, str(key.user_id)))
    if not (matches_id and key.user.is_service_account):
        raise InvalidApiKeyException
    return key


def issue(key: ApiKey) -> IssuedToken:
    """Exchange an API key, as `authenticate` returns it, for an access token."""
    keyring.reload_if_revoked()
    token = AccessToken.for_user(key.user)
    token["sid"] = str(key.pk)
    token[CLAIM] = key.prefix
    token.set_exp(lifetime=LIFETIME)
    if key.expires_at is not None:
        token["exp"] = min(token.expires_at, int(key.expires_at.timestamp()))
    return IssuedToken(str(token), token.expires_at - int(token.current_time.timestamp()))


def is_of_program(token: SessionToken) -> bool:
    """Return whether the access token belongs to an API key and not to a session."""
    return CLAIM in token.payload


def usable_key(token: SessionToken, *, client: Client) -> ApiKey:
    """Return the API key of an access token with its user, without checking the client's address.

    Raises InvalidSessionTokenException or InvalidApiKeyException if the token or the key is no longer valid.
    """
    key = key_authentication.usable_key(token[CLAIM], client=client)
    if str(key.user_id) != token["sub"] or str(key.pk) != token["sid"]:
        raise InvalidSessionTokenException
    _unrevoked.get((token["jti"], token.kid), (cache_key(key.user_id), SIGNING_KEYS), lambda: _ensure_unrevoked(token))
    return key


def revoke(token: SessionToken) -> None:
    """Reject this access token from the next request on. Its API key stays valid."""
    expires_at = datetime.fromtimestamp(token.expires_at, UTC)
    with transaction.atomic():
        coherent.invalidate(cache_key(token["sub"]))
        RevokedToken.objects.get_or_create(jti=token["jti"], defaults={"expires_at": expires_at})


def _ensure_unrevoked(token: SessionToken) -> bool:
    key = ApiKey.objects.with_prefix(token[CLAIM]).exclude(keyring.is_revoked(token.kid))
    if not key.exclude(Exists(RevokedToken.objects.filter(jti=token["jti"]))).exists():
        raise InvalidSessionTokenException
    return True

"""Authenticate requests by API key. Keys are cached in the process, so a request costs one comparison of digests."""

import re
from copy import copy
from datetime import datetime
from functools import lru_cache, partial
from hmac import compare_digest

from django.conf import settings
from django.utils import timezone

from accounts.exceptions import AddressNotAllowedException, InvalidApiKeyException
from accounts.models import ApiKey
from accounts.models.users import cache_key
from accounts.services import audit
from accounts.services.programs.api_keys import PREFIX_BYTES, SCHEME, SECRET_LENGTH, details_of
from accounts.services.sessions.sessions import TOUCH_AFTER
from accounts.states import EventKind
from foodfleet.core import crypto
from foodfleet.core.cache import coherent
from foodfleet.core.cache.rate_limits import fixed_window
from foodfleet.core.http import after_response, ip_addresses
from foodfleet.core.http.clients import Client

KEY = re.compile(rf"{SCHEME}([0-9a-f]{{{2 * PREFIX_BYTES}}})_[A-Za-z0-9]{{{SECRET_LENGTH}}}")
REFUSAL_SECONDS = 3600  # a key gets one security event for each reason in this time
CACHED_KEYS = 20_000

_keys: coherent.Cache[ApiKey] = coherent.Cache(size=CACHED_KEYS, name="api_keys")


def is_key(token: bytes) -> bool:
    """Return whether a bearer token has the form of an API key and not of an access token."""
    return token.startswith(SCHEME.encode())


def authenticate(*, text: str, client: Client) -> ApiKey:
    """Return the API key `text` with its user, who is limited to the key's permissions.

    Raises InvalidApiKeyException, or AddressNotAllowedException for a client outside the key's networks.
    """
    key = find(text=text, client=client)
    ensure_address_allowed(key, client)
    return key


def find(*, text: str, client: Client) -> ApiKey:
    """Return the API key `text` as `authenticate` does, but without checking the client's address.

    For a key that somebody else used. Raises InvalidApiKeyException.
    """
    match = KEY.fullmatch(text)
    if match is None:
        raise InvalidApiKeyException
    try:
        key = usable_key(match[1], client=client)
    except InvalidApiKeyException:
        _record_refusal(match[1], text, client)
        raise
    if not compare_digest(key.digest, crypto.digest(text)):
        raise InvalidApiKeyException
    return key


def usable_key(prefix: str, *, client: Client) -> ApiKey:
    """Return the live key with this prefix and its user, without checking its secret or the client's address.

    It is cached in the process; every change of a key or its user invalidates it (`core.cache.coherent`). Raises
    InvalidApiKeyException if the key is not live or the account not open.
    """
    user_id = _owner_of(prefix)
    cached = _keys.get(prefix, (cache_key(user_id),), lambda: _read_usable(prefix, user_id, client))
    key, user = copy(cached), copy(cached.user)
    key.user = user
    if not key.is_live or not (user.is_service_account or settings.PERSONAL_API_KEYS):
        raise InvalidApiKeyException
    user.acting_session = key.pk
    user.acting_permissions = None if key.permissions is None else frozenset(key.permissions)
    return key


def ensure_address_allowed(key: ApiKey, client: Client) -> None:
    """Record and raise AddressNotAllowedException if the client is outside the key's networks."""
    if not key.allowed_networks:
        return
    address = ip_addresses.address(client.ip)
    if address is None or not any(address in network for network in _networks(tuple(key.allowed_networks))):
        _record(key, "address", client)
        raise AddressNotAllowedException


def _read_usable(prefix: str, user_id: int, client: Client) -> ApiKey:
    now = timezone.now()
    key: ApiKey | None = ApiKey.objects.usable(now).with_prefix(prefix).defer("user__password").first()
    if key is None or key.user_id != user_id:
        raise InvalidApiKeyException
    if key.last_used_at is None or key.last_used_at <= now - TOUCH_AFTER:
        after_response.run(partial(_record_use, key, now, client))
    return key


def _record_use(key: ApiKey, now: datetime, client: Client) -> None:
    if ApiKey.objects.record_use(key.pk, now):
        audit.record(
            kind=EventKind.API_KEY_FIRST_USED,
            user=key.user,
            client=client,
            details=details_of(key),
            session_id=key.pk,
        )


def _record_refusal(prefix: str, text: str, client: Client) -> None:
    """Record the use of a key that is correct but no longer valid."""
    key = ApiKey.objects.with_prefix(prefix).select_related("user").first()
    if key is None or not compare_digest(key.digest, crypto.digest(text)):
        return
    if key.revoked_at is not None:
        reason = "revoked"
    elif not key.is_live:
        reason = "expired"
    else:
        reason = "account"
    _record(key, reason, client)


def _record(key: ApiKey, reason: str, client: Client) -> None:
    name = f"api-key-refused:{key.prefix}:{reason}:{client.ip if reason == 'address' else ''}"
    if fixed_window(name, limit=1, seconds=REFUSAL_SECONDS).allowed:
        details = {**details_of(key), "reason": reason}
        audit.record(kind=EventKind.API_KEY_REFUSED, user=key.user, client=client, details=details, session_id=key.pk)


_owners: dict[str, int] = {}  # user ids by prefix, which never change


def _owner_of(prefix: str) -> int:
    known = _owners.get(prefix)
    if known is not None:
        return known
    found: int | None = ApiKey.objects.with_prefix(prefix).values_list("user_id", flat=True).first()
    if found is None:
        raise InvalidApiKeyException
    if len(_owners) >= CACHED_KEYS:
        _owners.clear()
    _owners[prefix] = found
    return found


@lru_cache(maxsize=1024)
def _networks(texts: tuple[str, ...]) -> tuple[ip_addresses.Network, ...]:
    return tuple(ip_addresses.network(text) for text in texts)

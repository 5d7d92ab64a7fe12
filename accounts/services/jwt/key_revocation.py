"""Revocation of a signing key that leaked."""

from dataclasses import dataclass

from django.db import transaction

from accounts.models import RefreshToken, SigningKey
from accounts.models.users import SIGNING_KEYS
from accounts.services import audit
from accounts.services.jwt import keyring
from accounts.services.jwt.keys import Key
from accounts.services.sessions import sessions
from accounts.states import EventKind
from foodfleet.core.cache import coherent
from foodfleet.core.http.clients import Client


class UnknownKeyError(Exception):
    """No signing key has or had this `kid`."""


@dataclass(frozen=True)
class Revocation:
    """The result: the key that signs now, the revoked `kid`, and how many sessions ended."""

    key: Key
    kid: str
    sessions_ended: int


def revoke(kid: str = "") -> Revocation:
    """Reject every token of the key `kid` (default: the signing key) and end the sessions whose tokens it signed.

    A new signing key is created. Every process rejects the old key's tokens from its next request on, because cached
    sessions are invalidated. It is safe to call it again. Raises UnknownKeyError.
    """
    verifying = keyring.verifying_kids()
    kid = kid or verifying[0]
    if kid not in verifying and not _was_used(kid):
        raise UnknownKeyError
    with transaction.atomic():
        coherent.invalidate(SIGNING_KEYS)
        keyring.mark_revoked(kid)
        key = keyring.rotate()
        audit.record(kind=EventKind.KEY_REVOKED, user=None, client=Client(), details={"kid": kid})
    return Revocation(key, kid, sessions.end_signed_by(kid))


def _was_used(kid: str) -> bool:
    return SigningKey.objects.filter(kid=kid).exists() or RefreshToken.objects.filter(kid=kid).exists()

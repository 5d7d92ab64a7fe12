"""Passkeys (WebAuthn): what is asked of the browser, and whether its answer holds."""

import hashlib
import ipaddress
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import webauthn
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from django.conf import settings
from webauthn.authentication.verify_authentication_response import VerifiedAuthentication
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    AuthenticatorTransport,
    CredentialDeviceType,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)
from webauthn.registration.verify_registration_response import VerifiedRegistration

from accounts.models import Passkey, User

NAME = "FoodFleet"
TIMEOUT = 300_000  # milliseconds: as long as a challenge lasts
MAX_CREDENTIAL_ID_BYTES = 1023  # WebAuthn level 3, section 7.1, step 25
# What the library lets through from the parsers below it when an answer is no more than bytes.
UNREADABLE = (WebAuthnException, ValueError, TypeError, LookupError, AttributeError, OverflowError, RecursionError)
WRONG = (*UNREADABLE, InvalidSignature, UnsupportedAlgorithm)


class InvalidPasskeyError(Exception):
    """The browser's answer does not hold."""


class CopiedPasskeyError(InvalidPasskeyError):
    """The signature holds, and its counter is not above the last one: somebody may have a copy of the key."""


@dataclass(frozen=True)
class NewPasskey:
    """A credential that proved itself."""

    credential_id: str
    public_key: str
    sign_count: int
    transports: list[str]
    is_backup_eligible: bool
    is_backed_up: bool


@dataclass(frozen=True)
class VerifiedAssertion:
    """What the authenticator said in an answer that holds."""

    sign_count: int
    is_backup_eligible: bool
    is_backed_up: bool


@dataclass(frozen=True)
class Assertion:
    """Whose passkey an answer is of, by its own words, before anything of it is checked."""

    credential_id: str
    user_handle: str | None


def creation_options(user: User, *, challenge: bytes, known: list[Passkey]) -> dict[str, Any]:
    """What `navigator.credentials.create` is called with."""
    options = webauthn.generate_registration_options(
        rp_id=rp_id(),
        rp_name=NAME,
        user_name=user.email,
        user_id=user_handle(user),
        user_display_name=user.get_full_name() or user.email,
        challenge=challenge,
        timeout=TIMEOUT,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.PREFERRED, user_verification=UserVerificationRequirement.PREFERRED
        ),
        exclude_credentials=_descriptors(known),
    )
    return _plain(options)


def request_options(*, challenge: bytes, known: list[Passkey], alone: bool) -> dict[str, Any]:
    """What `navigator.credentials.get` is called with.

    known: the user's passkeys, none where it is not known who signs in. alone: nothing else is asked, so the
    authenticator has to make sure who holds it.
    """
    demand = UserVerificationRequirement.REQUIRED if alone else UserVerificationRequirement.PREFERRED
    options = webauthn.generate_authentication_options(
        rp_id=rp_id(),
        challenge=challenge,
        timeout=TIMEOUT,
        allow_credentials=_descriptors(known),
        user_verification=demand,
    )
    return _plain(options)


def verify_creation(credential: Any, *, challenge: bytes) -> NewPasskey:
    """The new credential of a browser's answer. Raises InvalidPasskeyError."""
    try:
        answer = _read(credential)
        _ensure_on_our_page(answer)
        verified = webauthn.verify_registration_response(
            credential=answer, expected_challenge=challenge, expected_rp_id=rp_id(), expected_origin=origins()
        )
        if len(verified.credential_id) > MAX_CREDENTIAL_ID_BYTES:
            raise InvalidPasskeyError
        transports = answer["response"].get("transports") or []
        names = [name for name in map(str, transports) if name in set(AuthenticatorTransport)]
    except WRONG as error:
        raise InvalidPasskeyError from error
    return NewPasskey(
        credential_id=bytes_to_base64url(verified.credential_id),
        public_key=bytes_to_base64url(verified.credential_public_key),
        sign_count=verified.sign_count,
        transports=names,
        is_backup_eligible=_is_backup_eligible(verified),
        is_backed_up=verified.credential_backed_up,
    )


def read_assertion(credential: Any) -> Assertion:
    """Whose passkey this says it is. Raises InvalidPasskeyError."""
    try:
        answer = _read(credential)
        handle = answer["response"].get("userHandle")
        return Assertion(bytes_to_base64url(base64url_to_bytes(answer["id"])), handle and str(handle))
    except UNREADABLE as error:
        raise InvalidPasskeyError from error


def verify_assertion(credential: Any, passkey: Passkey, *, challenge: bytes, alone: bool) -> VerifiedAssertion:
    """What the authenticator says of itself, where the answer is of `passkey`.

    Raises InvalidPasskeyError, also where the passkey could be backed up when it was made and now cannot, or the other
    way round (section 7.2, step 19); or CopiedPasskeyError where only the counter is wrong (WebAuthn level 3, section
    7.2, step 22: a counter that does not grow; one that stays at 0 is none).
    """
    try:
        answer = _read(credential)
        _ensure_on_our_page(answer)
        verified = webauthn.verify_authentication_response(
            credential=answer,
            expected_challenge=challenge,
            expected_rp_id=rp_id(),
            expected_origin=origins(),
            credential_public_key=base64url_to_bytes(passkey.public_key),
            credential_current_sign_count=0,  # compared below, once the signature is known to hold
            require_user_verification=alone,
        )
    except WRONG as error:
        raise InvalidPasskeyError from error
    count, is_eligible = verified.new_sign_count, _is_backup_eligible(verified)
    if passkey.is_backup_eligible not in (None, is_eligible):
        raise InvalidPasskeyError
    if (count or passkey.sign_count) and count <= passkey.sign_count:
        raise CopiedPasskeyError
    return VerifiedAssertion(count, is_eligible, verified.credential_backed_up)


def user_handle(user: User) -> bytes:
    """How authenticators know the user: stable, and telling nothing."""
    return hashlib.sha256(f"foodfleet:user-handle:{user.pk}".encode()).digest()


def user_handle_text(user: User) -> str:
    """`user_handle` as browsers write it."""
    return bytes_to_base64url(user_handle(user))


def challenge_bytes(token: str) -> bytes:
    """What the authenticator signs, made from a challenge's token: as random, and for passkeys alone."""
    return hashlib.sha256(f"foodfleet:passkey:{token}".encode()).digest()


def rp_id() -> str:
    """The domain that passkeys are bound to: that of PUBLIC_URL. An address is none, but this machine has a name."""
    host = urlsplit(settings.PUBLIC_URL).hostname or ""
    try:
        return "localhost" if ipaddress.ip_address(host).is_loopback else host
    except ValueError:
        return host


def origins() -> list[str]:
    """Where the pages stand that may use passkeys."""
    own = urlsplit(settings.PUBLIC_URL)
    port = f":{own.port}" if own.port else ""
    return list(dict.fromkeys([f"{own.scheme}://{own.netloc}", f"{own.scheme}://{rp_id()}{port}"]))


def work_at(origin: str) -> bool:
    """Whether a page at `origin` (`https://accounts.example.com`) can use passkeys: not one at an IP address."""
    try:
        ipaddress.ip_address(rp_id())
    except ValueError:
        return origin in origins() and urlsplit(origin).hostname == rp_id()
    return False


def _read(credential: Any) -> dict[str, Any]:
    answer = json.loads(credential) if isinstance(credential, str) else credential
    if not isinstance(answer, dict) or not isinstance(answer.get("response"), dict):
        raise TypeError("not a credential")
    return answer


def _ensure_on_our_page(answer: dict[str, Any]) -> None:
    """Refuse what was made inside another site's frame: nobody may show ours in one (7.1 and 7.2, on crossOrigin).

    The library reads neither `crossOrigin` nor `topOrigin`. Raises InvalidPasskeyError.
    """
    client_data = json.loads(base64url_to_bytes(answer["response"]["clientDataJSON"]))
    if client_data.get("crossOrigin", False) is not False or "topOrigin" in client_data:
        raise InvalidPasskeyError


def _is_backup_eligible(verified: VerifiedRegistration | VerifiedAuthentication) -> bool:
    return verified.credential_device_type == CredentialDeviceType.MULTI_DEVICE


def _descriptors(known: list[Passkey]) -> list[PublicKeyCredentialDescriptor]:
    return [
        PublicKeyCredentialDescriptor(
            id=base64url_to_bytes(passkey.credential_id),
            transports=[AuthenticatorTransport(name) for name in passkey.transports] or None,
        )
        for passkey in known
    ]


def _plain(options: Any) -> dict[str, Any]:
    result: dict[str, Any] = json.loads(webauthn.options_to_json(options))
    return result

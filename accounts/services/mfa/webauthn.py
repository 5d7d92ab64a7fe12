"""WebAuthn: options for the browser's passkey calls, and verification of the credentials that it returns."""

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

TIMEOUT = 300_000  # milliseconds: as long as a challenge lasts
MAX_CREDENTIAL_ID_BYTES = 1023  # WebAuthn level 3, section 7.1, step 25
# The exceptions that the library and its parsers raise for malformed credentials.
MALFORMED = (WebAuthnException, ValueError, TypeError, LookupError, AttributeError, OverflowError, RecursionError)
INVALID = (*MALFORMED, InvalidSignature, UnsupportedAlgorithm)


class InvalidPasskeyError(Exception):
    """The credential that the browser returned is invalid."""


class CopiedPasskeyError(InvalidPasskeyError):
    """The signature is valid, but the counter did not increase: there may be a copy of the key."""


@dataclass(frozen=True)
class NewPasskey:
    """A verified new credential."""

    credential_id: str
    public_key: str
    sign_count: int
    transports: list[str]
    is_backup_eligible: bool
    is_backed_up: bool


@dataclass(frozen=True)
class VerifiedAssertion:
    """The values that the authenticator reported in a valid assertion."""

    sign_count: int
    is_backup_eligible: bool
    is_backed_up: bool


@dataclass(frozen=True)
class Assertion:
    """The passkey and the user that an assertion names, before anything is verified."""

    credential_id: str
    user_handle: str | None


def creation_options(user: User, *, challenge: bytes, known: list[Passkey]) -> dict[str, Any]:
    """Return the options for `navigator.credentials.create`."""
    options = webauthn.generate_registration_options(
        rp_id=rp_id(),
        rp_name=settings.SITE_NAME,
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


def request_options(*, challenge: bytes, known: list[Passkey], user_verification: bool) -> dict[str, Any]:
    """Return the options for `navigator.credentials.get`.

    known: the user's passkeys; empty if the user is not known yet. user_verification: whether the authenticator has to
    verify its user.
    """
    requirement = UserVerificationRequirement.REQUIRED if user_verification else UserVerificationRequirement.PREFERRED
    options = webauthn.generate_authentication_options(
        rp_id=rp_id(),
        challenge=challenge,
        timeout=TIMEOUT,
        allow_credentials=_descriptors(known),
        user_verification=requirement,
    )
    return _plain(options)


def verify_creation(credential: Any, *, challenge: bytes) -> NewPasskey:
    """Verify the credential that the browser created for `creation_options`. Raises InvalidPasskeyError."""
    try:
        answer = _read(credential)
        _ensure_same_origin(answer)
        verified = webauthn.verify_registration_response(
            credential=answer, expected_challenge=challenge, expected_rp_id=rp_id(), expected_origin=origins()
        )
        if len(verified.credential_id) > MAX_CREDENTIAL_ID_BYTES:
            raise InvalidPasskeyError
        transports = answer["response"].get("transports") or []
        names = [name for name in map(str, transports) if name in set(AuthenticatorTransport)]
    except INVALID as error:
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
    """Read which passkey and user an assertion names, without verifying it. Raises InvalidPasskeyError."""
    try:
        answer = _read(credential)
        handle = answer["response"].get("userHandle")
        return Assertion(bytes_to_base64url(base64url_to_bytes(answer["id"])), handle and str(handle))
    except MALFORMED as error:
        raise InvalidPasskeyError from error


def verify_assertion(
    credential: Any, passkey: Passkey, *, challenge: bytes, user_verification: bool
) -> VerifiedAssertion:
    """Verify the assertion of `passkey` for `request_options`.

    Raises InvalidPasskeyError, also if the backup eligibility has changed since the passkey was created (WebAuthn level
    3, section 7.2, step 19). Raises CopiedPasskeyError if only the counter is wrong, because it did not increase (step
    22). A counter that stays at 0 means that the authenticator does not support it.
    """
    try:
        answer = _read(credential)
        _ensure_same_origin(answer)
        verified = webauthn.verify_authentication_response(
            credential=answer,
            expected_challenge=challenge,
            expected_rp_id=rp_id(),
            expected_origin=origins(),
            credential_public_key=base64url_to_bytes(passkey.public_key),
            credential_current_sign_count=0,  # compared below, once the signature is verified
            require_user_verification=user_verification,
        )
    except INVALID as error:
        raise InvalidPasskeyError from error
    count, is_eligible = verified.new_sign_count, _is_backup_eligible(verified)
    if passkey.is_backup_eligible not in (None, is_eligible):
        raise InvalidPasskeyError
    if (count or passkey.sign_count) and count <= passkey.sign_count:
        raise CopiedPasskeyError
    return VerifiedAssertion(count, is_eligible, verified.credential_backed_up)


def user_handle(user: User) -> bytes:
    """Return the user's stable, opaque id for authenticators."""
    return hashlib.sha256(f"foodfleet:user-handle:{user.pk}".encode()).digest()


def user_handle_text(user: User) -> str:
    """Return `user_handle` in base64url, as browsers send it."""
    return bytes_to_base64url(user_handle(user))


def challenge_bytes(token: str) -> bytes:
    """Derive the bytes that the authenticator signs from a challenge's token, so that they do not reveal the token."""
    return hashlib.sha256(f"foodfleet:passkey:{token}".encode()).digest()


def rp_id() -> str:
    """Return the relying party id, the domain that passkeys are bound to: the host of PUBLIC_URL.

    It is `localhost` for a loopback address, because browsers accept no IP address.
    """
    host = urlsplit(settings.PUBLIC_URL).hostname or ""
    try:
        return "localhost" if ipaddress.ip_address(host).is_loopback else host
    except ValueError:
        return host


def origins() -> list[str]:
    """Return the origins whose pages may use passkeys."""
    own = urlsplit(settings.PUBLIC_URL)
    port = f":{own.port}" if own.port else ""
    return list(dict.fromkeys([f"{own.scheme}://{own.netloc}", f"{own.scheme}://{rp_id()}{port}"]))


def is_usable_at(origin: str) -> bool:
    """Return whether a page at `origin` (`https://accounts.example.com`) can use passkeys; never at an IP address."""
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


def _ensure_same_origin(answer: dict[str, Any]) -> None:
    """Raise InvalidPasskeyError for a credential from a page in another site's frame (7.1 and 7.2, on crossOrigin).

    The library checks neither `crossOrigin` nor `topOrigin`.
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

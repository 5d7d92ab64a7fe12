"""Read users of a Keycloak realm from the JSON that `kc.sh export` writes.

Passwords and secrets of authenticator apps are imported. Passkeys and recovery codes are not: passkeys are bound to the
domain of the other site. The columns are those of `import_columns`.
"""

import json
from base64 import b32encode
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, BinaryIO

from django.conf import settings
from django.utils.translation import gettext as _

from accounts.services.account import attribute_schema
from accounts.services.account.attributes import PREFIX
from accounts.services.passwords.hashers import formats
from accounts.services.passwords.hashers.bcrypt_sha256 import UnacceptableHashError
from accounts.services.staff import import_columns, json_stream
from accounts.services.staff.import_columns import ROLE_SEPARATOR, Problem, Row
from accounts.services.staff.json_stream import MalformedJSONError
from foodfleet.core.exceptions import ValidationException

USERS = "users"
BUILT_IN_ROLES = ("default-roles-", "offline_access", "uma_authorization")  # of Keycloak itself; the first is a prefix
TOTP = {"subType": "totp", "algorithm": "HmacSHA1", "digits": 6, "period": 30}  # the parameters of `TOTPDevice`
MAX_TEXT_LENGTH = 10_000


class _UnusableError(ValueError):
    """A user or one of their credentials cannot be imported; the text says why."""


def read(source: BinaryIO) -> Iterator[Row]:
    """Return an iterator over the validated users, numbered from 1.

    source: a seekable file. Raises ValidationException for a file that is not a realm with users.
    """
    try:
        for _item in json_stream.items(source, USERS):
            pass
    except MalformedJSONError:
        message = _("This is not the JSON of a Keycloak realm with its users.")
        raise ValidationException.for_field("file", message, "invalid") from None
    return _rows(source)


def _rows(source: BinaryIO) -> Iterator[Row]:
    before = 0
    for number, user in enumerate(json_stream.items(source, USERS), start=1):
        position = source.tell()
        try:
            yield import_columns.validated(number, position - before, _columns(user))
        except _UnusableError as error:
            yield Row(number, position - before, problems=[Problem(number, "credentials", str(error))])
        before = position


def _columns(user: Any) -> dict[str, str]:
    if not isinstance(user, dict):
        raise _UnusableError(_("This is not a user object."))
    attributes = _single_values(user.get("attributes"))
    known = attribute_schema.current().attributes.keys() & attributes.keys()
    custom = {f"{PREFIX}{name}": attributes[name] for name in known}
    names = {"first_name": _text(user.get("firstName")), "last_name": _text(user.get("lastName"))}
    language = attributes.get("locale", "").lower()
    return {
        "email": _text(user.get("email")) or _text(user.get("username")),
        **names,
        **custom,
        "phone": attributes.get("phoneNumber", ""),
        "phone_verified": attributes.get("phoneNumberVerified", ""),
        "language": language if language in dict(settings.LANGUAGES) else "",
        "email_verified": _flag(user.get("emailVerified")),
        "is_active": _flag(user.get("enabled", True)),
        "must_change_password": _flag("UPDATE_PASSWORD" in _list(user.get("requiredActions"))),
        "created_at": _time(user.get("createdTimestamp")),
        "roles": ROLE_SEPARATOR.join(
            role for role in _list(user.get("realmRoles")) if not role.startswith(BUILT_IN_ROLES)
        ),
        **_credentials(_list_of_objects(user.get("credentials"))),
    }


def _credentials(credentials: list[Mapping[str, Any]]) -> dict[str, str]:
    columns = {}
    for one in credentials:
        if one.get("type") == "password":
            columns["password_hash"] = _password(_inner(one, "credentialData"), _inner(one, "secretData"))
        elif one.get("type") == "otp":
            columns["totp_secret"] = _totp(_inner(one, "credentialData"), _inner(one, "secretData"))
    return columns


def _password(credential: Mapping[str, Any], secret: Mapping[str, Any]) -> str:
    try:
        return formats.encoded_keycloak(credential, secret)
    except UnacceptableHashError:
        raise _UnusableError(_("This password hash has an unknown form or takes too long to verify.")) from None


def _totp(credential: Mapping[str, Any], secret: Mapping[str, Any]) -> str:
    """Return the secret in base32. Keycloak stores it as plain text, or in base32 if `secretEncoding` says so."""
    value = secret.get("value")
    if any(credential.get(name, default) != default for name, default in TOTP.items()) or not isinstance(value, str):
        raise _UnusableError(
            _("This one-time code is not TOTP with SHA-1, 6 digits and 30 seconds. Remove it in Keycloak.")
        )
    return value if credential.get("secretEncoding") == "BASE32" else b32encode(value.encode()).decode()


def _inner(credential: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Parse a value of the credential that is JSON in a string."""
    try:
        inner = json.loads(credential[name])
    except (KeyError, TypeError, ValueError, RecursionError):
        inner = None
    if not isinstance(inner, dict):
        raise _UnusableError(_("This credential cannot be read."))
    return inner


def _text(value: Any) -> str:
    return value[:MAX_TEXT_LENGTH] if isinstance(value, str) else ""


def _flag(value: Any) -> str:
    return "true" if value is True else "false"


def _list(value: Any) -> list[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def _list_of_objects(value: Any) -> list[Mapping[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _single_values(attributes: Any) -> dict[str, str]:
    """Return the first value of each attribute, because attributes of Keycloak are lists of strings."""
    if not isinstance(attributes, dict):
        return {}
    return {name: values[0] for name, values in ((name, _list(one)) for name, one in attributes.items()) if values}


def _time(milliseconds: Any) -> str:
    if not isinstance(milliseconds, int):
        return ""
    try:
        return datetime.fromtimestamp(milliseconds / 1000, tz=UTC).isoformat()
    except (OverflowError, OSError, ValueError):
        return str(milliseconds)  # `import_columns` reports it as invalid

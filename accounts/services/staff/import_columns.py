"""The columns of an import of users, and the conversion of each text to a value."""

import binascii
import json
from base64 import b32decode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.translation import gettext as _

from accounts.exceptions import InvalidAttributesException
from accounts.models import User
from accounts.services.account import attribute_schema, attributes
from accounts.services.passwords.hashers import formats
from accounts.services.passwords.hashers.bcrypt_sha256 import UnacceptableHashError
from accounts.states import Audience
from foodfleet.core.email_addresses import normalize_email
from foodfleet.core.phone_numbers import normalize_phone

FLAGS = {"": None, **attribute_schema.FLAGS}
EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
SECRET_BYTES = range(10, 129)  # of an authenticator app; RFC 4226 requires 16, but 10 were common for years
BASE32_BLOCK = 8  # characters
ATTRIBUTES = "attributes"
ROLE_SEPARATOR, SCOPE_SEPARATOR = ";", "@"


@dataclass(frozen=True)
class Problem:
    """Why a line was rejected. It contains no value of the line, so that the report can be shared."""

    line: int
    field: str
    message: str


@dataclass(frozen=True)
class Row:
    """One line: the values of an account, which may be secret, or its problems. size: in bytes."""

    line: int
    size: int
    values: dict[str, Any] = field(default_factory=dict, repr=False)
    problems: Sequence[Problem] = ()


@dataclass(frozen=True)
class RoleName:
    """A role to assign, in a scope such as `fleet:12` or, if that is '', without a scope."""

    name: str
    scope: str = ""


def validated(number: int, size: int, given: Mapping[str, str]) -> Row:
    """Convert and validate the texts of a line, which are given by column."""
    values: dict[str, Any] = {}
    problems: list[Problem] = []
    custom: dict[str, Any] = {}
    for name, text in given.items():
        try:
            if name == ATTRIBUTES:
                custom |= _attributes(_unicode(text).strip())
            elif name.startswith(attributes.PREFIX):
                custom |= _attribute(name, _unicode(text).strip())
            else:
                values[name] = CHECKS[name](_unicode(text).strip())
        except ValidationError as error:
            problems += [Problem(number, name, message) for message in error.messages]
    try:
        values[ATTRIBUTES] = attributes.merged({}, custom, Audience.IMPORT)
    except InvalidAttributesException as error:
        problems += [Problem(number, name, str(one[0]["message"])) for name, one in error.details.items()]
    return Row(number, size, values, problems)


def is_column(name: str) -> bool:
    """Return whether an import may have this column."""
    attribute = name.removeprefix(attributes.PREFIX)
    return name in COLUMNS or (attribute != name and attribute in attribute_schema.current().attributes)


def _attributes(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text or "{}")
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise ValidationError(_("Give an object of attributes."))
    return found


def _attribute(column: str, text: str) -> dict[str, Any]:
    name = column.removeprefix(attributes.PREFIX)
    return {name: attribute_schema.current().attributes[name].from_text(text)} if text else {}


def _unicode(text: str) -> str:
    """Return the text. Raises ValidationError for a lone surrogate of UTF-16, which JSON can contain."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValidationError(_("This text is not valid Unicode.")) from None
    return text


def _email(text: str) -> str:
    return str(User._meta.get_field("email").clean(normalize_email(text), None))


def _first_name(text: str) -> str:
    return str(User._meta.get_field("first_name").clean(text, None))


def _last_name(text: str) -> str:
    return str(User._meta.get_field("last_name").clean(text, None))


def _language(text: str) -> str:
    known = dict(settings.LANGUAGES)
    if text and text.lower() not in known:
        raise ValidationError(_("Give one of %(languages)s, or nothing.") % {"languages": ", ".join(known)})
    return text.lower()


def _password_hash(text: str) -> str:
    try:
        return formats.encoded(text) if text else ""
    except UnacceptableHashError:
        raise ValidationError(_("This password hash has an unknown form or takes too long to verify.")) from None


def _flag(text: str) -> bool | None:
    if text.lower() not in FLAGS:
        raise ValidationError(_("Give true or false, or nothing."))
    return FLAGS[text.lower()]


def _created_at(text: str) -> datetime | None:
    if not text:
        return None
    try:
        created = parse_datetime(text) or _start_of(parse_date(text))
    except ValueError:
        created = None
    if created is not None and timezone.is_naive(created):
        created = created.replace(tzinfo=UTC)
    if created is None or not EARLIEST <= created <= timezone.now():
        raise ValidationError(_("Give a date or time of the past in ISO 8601, such as 2024-01-31T08:30:00Z."))
    return created.astimezone(UTC)


def _start_of(day: date | None) -> datetime | None:
    return None if day is None else datetime.combine(day, time(), tzinfo=UTC)


def _roles(text: str) -> list[RoleName]:
    return list(dict.fromkeys(_role(entry) for entry in _entries(text)))


def _scopes(text: str) -> list[str]:
    return list(dict.fromkeys(_entries(text)))


def _entries(text: str) -> list[str]:
    return [entry.strip() for entry in text.split(ROLE_SEPARATOR) if entry.strip()]


def _role(entry: str) -> RoleName:
    name, separator, scope = entry.rpartition(SCOPE_SEPARATOR)
    return RoleName(name, scope) if separator and ":" in scope else RoleName(entry)


def _totp_secret(text: str) -> str:
    """Return the secret in base32 with padding, as the device stores it."""
    letters = text.replace(" ", "").rstrip("=").upper()
    if not letters:
        return ""
    padded = letters + "=" * (-len(letters) % BASE32_BLOCK)
    try:
        size = len(b32decode(padded))
    except (binascii.Error, ValueError):
        size = 0
    if size not in SECRET_BYTES:
        raise ValidationError(_("Give the secret of the authenticator app in base32, or nothing."))
    return padded


CHECKS: dict[str, Callable[[str], Any]] = {
    "email": _email,
    "first_name": _first_name,
    "last_name": _last_name,
    "phone": normalize_phone,
    "language": _language,
    "password_hash": _password_hash,
    "must_change_password": _flag,
    "email_verified": _flag,
    "phone_verified": _flag,
    "is_active": _flag,
    "created_at": _created_at,
    "roles": _roles,
    "scopes": _scopes,
    "totp_secret": _totp_secret,
}
COLUMNS = (*CHECKS, ATTRIBUTES)

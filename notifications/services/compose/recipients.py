"""Check e-mail addresses and phone numbers before a message is queued."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from email import _header_value_parser as parser  # the standard library has no public parser; Django uses it too
from email.errors import HeaderParseError
from email.headerregistry import Address
from email.utils import parseaddr

from django.core.exceptions import ValidationError as DjangoValidationError
from django.core.validators import EmailValidator
from django.utils.translation import gettext_lazy as _

from foodfleet.core.email_addresses import (
    LONGEST_ADDRESS,
    LONGEST_LOCAL_PART,
    is_reserved,
    mailed_domain,
    normalize_email,
)
from foodfleet.core.exceptions import ValidationException
from foodfleet.core.phone_numbers import E164

MOST_RECIPIENTS = 50  # of one e-mail in Amazon SES
# Most addresses match this and need no parser, which takes a third of a millisecond.
PLAIN = re.compile(r"[A-Za-z0-9_+-]+(?:\.[A-Za-z0-9_+-]+)*@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+", re.ASCII)
LONGEST_MAILBOX = 320  # characters, including a name; the time and depth of parsing grow with it
CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_is_address = EmailValidator()


@dataclass(frozen=True)
class Recipients:
    """The recipients of an e-mail. Each mailbox occurs once, in the first field that names it."""

    to: list[str]
    cc: list[str]
    bcc: list[str]

    @property
    def count(self) -> int:
        """The number of mailboxes."""
        return len(self.to) + len(self.cc) + len(self.bcc)


def distinct(*, to: Iterable[str], cc: Iterable[str], bcc: Iterable[str]) -> Recipients:
    """Check the recipients of an e-mail and drop repeated mailboxes, also if they are spelled differently."""
    known: set[str] = set()
    return Recipients(_new(emails(to, "to"), known), _new(emails(cc, "cc"), known), _new(emails(bcc, "bcc"), known))


def _new(addresses: Iterable[str], known: set[str]) -> list[str]:
    """Return the addresses whose mailbox is not in `known`, and add it there."""
    found = []
    for address in addresses:
        mailbox = mailbox_of(address)
        if mailbox not in known:
            known.add(mailbox)
            found.append(address)
    return found


def mailbox_of(address: str) -> str:
    """Return the normalized mailbox of `Ann <Ann@Example.com>`."""
    return normalize_email(address if PLAIN.fullmatch(address) else parseaddr(address)[1])


def check_line(value: str, field: str) -> str:
    """Return a value for a header. Raises ValidationException for line breaks, which would inject another header."""
    if CONTROL.search(value):
        message = _("Line breaks and control characters are not allowed here.")
        raise ValidationException.for_field(field, message, "header_injection")
    return value


def emails(values: Iterable[str], field: str) -> list[str]:
    """Return checked addresses, with or without a name (`Ann <ann@example.com>`).

    The domain may have any script. The local part must be ASCII, because the provider has no SMTPUTF8.
    """
    return [_email(value.strip(), field) for value in values]


def _email(value: str, field: str) -> str:
    check_line(value, field)
    try:
        return _parsed(value)
    except _NotAsciiError:
        message = _(
            "E-mail cannot be sent to %(value)s: our provider accepts only ASCII letters before the @ (no SMTPUTF8). "
            "The domain after it may have any script."
        ) % {"value": value[:100]}
        raise ValidationException.for_field(field, message, "invalid") from None
    except UNPARSABLE:
        message = _("%(value)s is not a valid e-mail address.") % {"value": value[:100]}
        raise ValidationException.for_field(field, message, "invalid") from None


# What the standard library's parser raises for invalid addresses; RecursionError for nested brackets.
UNPARSABLE = (
    HeaderParseError, DjangoValidationError, UnicodeError, ValueError, IndexError, AttributeError, TypeError,
    RecursionError,
)  # fmt: skip


class _NotAsciiError(Exception):
    """The local part is not ASCII (RFC 6531)."""


def _parsed(value: str) -> str:
    if len(value) > LONGEST_MAILBOX:
        raise ValueError(len(value))
    if PLAIN.fullmatch(value):
        _check(value)
        return value
    mailbox, rest = parser.get_mailbox(value)
    if rest:
        raise ValueError(rest)
    if not mailbox.local_part.isascii():
        _is_address(f"local@{mailbox.domain}")  # report any other fault first
        raise _NotAsciiError
    address = Address(display_name=mailbox.display_name or "", addr_spec=mailbox.addr_spec)
    _check(address.addr_spec)
    return str(address)


def _check(address: str) -> None:
    _is_address(address)
    local, _at, domain = address.rpartition("@")
    mailed_to = f"{local}@{mailed_domain(domain)}"
    if len(local) > LONGEST_LOCAL_PART or len(mailed_to) > LONGEST_ADDRESS or is_reserved(mailed_to.lower()):
        raise ValueError(address)


def phone(value: str, field: str = "to") -> str:
    """Return a valid number in E.164 format."""
    try:
        E164(value)
    except DjangoValidationError as error:
        raise ValidationException.for_field(field, error.message, "invalid") from None
    return value

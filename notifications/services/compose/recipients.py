"""Addresses and numbers as they come in: checked before anything is queued."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from email import _header_value_parser as parser  # as Django does: the standard library has no public one
from email.errors import HeaderParseError
from email.headerregistry import Address
from email.utils import parseaddr

from django.core.exceptions import ValidationError as DjangoValidationError
from django.core.validators import EmailValidator
from django.utils.translation import gettext_lazy as _

from accounts.models.users import E164
from foodfleet.core.email_addresses import LONGEST_ADDRESS, LONGEST_LOCAL_PART, mailed_domain, normalize_email
from foodfleet.core.exceptions import ValidationException

MOST_RECIPIENTS = 50  # of one mail, at SES
# Most addresses look like this and nothing in them needs a parser, which takes a third of a millisecond.
PLAIN = re.compile(r"[A-Za-z0-9_+-]+(?:\.[A-Za-z0-9_+-]+)*@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+", re.ASCII)
LONGEST_MAILBOX = 320  # characters, with a name before the address; a parser's time and depth grow with it
CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_is_address = EmailValidator()


@dataclass(frozen=True)
class Recipients:
    """Whom a mail goes to: each mailbox once, where it is named first."""

    to: list[str]
    cc: list[str]
    bcc: list[str]

    @property
    def count(self) -> int:
        """Mailboxes."""
        return len(self.to) + len(self.cc) + len(self.bcc)


def distinct(*, to: Iterable[str], cc: Iterable[str], bcc: Iterable[str]) -> Recipients:
    """The recipients of a mail, checked as `emails` does; a mailbox named twice, however it is written, is one."""
    known: set[str] = set()
    return Recipients(
        _unknown(emails(to, "to"), known), _unknown(emails(cc, "cc"), known), _unknown(emails(bcc, "bcc"), known)
    )


def _unknown(addresses: Iterable[str], known: set[str]) -> list[str]:
    """Those whose mailbox is not in `known`, which they are put into."""
    found = []
    for address in addresses:
        mailbox = mailbox_of(address)
        if mailbox not in known:
            known.add(mailbox)
            found.append(address)
    return found


def mailbox_of(address: str) -> str:
    """The mailbox of `Ann <Ann@Example.com>`, in the form that it is kept and compared in."""
    return normalize_email(parseaddr(address)[1])


def check_line(value: str, field: str) -> str:
    """A value for a header: one line. A line break in it would begin a header of somebody else's choice."""
    if CONTROL.search(value):
        message = _("Line breaks and control characters are not allowed here.")
        raise ValidationException.for_field(field, message, "header_injection")
    return value


def emails(values: Iterable[str], field: str) -> list[str]:
    """Addresses, alone or as `Ann <ann@example.com>`, in the form that they are mailed to.

    A domain may be of any script. What stands before the @ must be ASCII: no provider of ours takes another (SMTPUTF8).
    """
    return [_email(value.strip(), field) for value in values]


def _email(value: str, field: str) -> str:
    check_line(value, field)
    try:
        return _parsed(value)
    except _NotAsciiError:
        message = _(
            "%(value)s cannot be written to: our mail provider takes only ASCII letters before the @ (it has no "
            "SMTPUTF8). The domain after it may be of any script."
        ) % {"value": value[:100]}
        raise ValidationException.for_field(field, message, "invalid") from None
    except UNPARSABLE:
        message = _("%(value)s is not an e-mail address that can be written to.") % {"value": value[:100]}
        raise ValidationException.for_field(field, message, "invalid") from None


# What the standard library's parser raises for what is no address; a recursion, for brackets in brackets.
UNPARSABLE = (
    HeaderParseError, DjangoValidationError, UnicodeError, ValueError, IndexError, AttributeError, TypeError,
    RecursionError,
)  # fmt: skip


class _NotAsciiError(Exception):
    """What stands before the @ is of another script (RFC 6531)."""


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
        _is_address(f"local@{mailbox.domain}")  # one that is wrong in another way is told that
        raise _NotAsciiError
    address = Address(display_name=mailbox.display_name or "", addr_spec=mailbox.addr_spec)
    _check(address.addr_spec)
    return str(address)


def _check(address: str) -> None:
    _is_address(address)
    local, _at, domain = address.rpartition("@")
    mailed_to = f"{local}@{mailed_domain(domain)}"
    if len(local) > LONGEST_LOCAL_PART or len(mailed_to) > LONGEST_ADDRESS:
        raise ValueError(address)


def phone(value: str, field: str = "to") -> str:
    """A number in E.164 form that can exist."""
    try:
        E164(value)
    except DjangoValidationError as error:
        raise ValidationException.for_field(field, error.message, "invalid") from None
    return value

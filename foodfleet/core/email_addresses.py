"""Normalization of e-mail addresses, and their form in ASCII."""

import unicodedata

import idna
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

LONGEST_LOCAL_PART = 64  # RFC 5321, 4.5.3.1.1
LONGEST_ADDRESS = 254  # in ASCII: 4.5.3.1.3, without the angle brackets


def normalize_email(email: str) -> str:
    """Return the form in which an address is stored, looked up and mailed to: NFKC, lower case, without white space.

    With one form everywhere, spellings that look or compare alike belong to one account, and an e-mail goes to exactly
    the address that was looked up (compare CVE-2019-19844). An internationalized domain is converted to Unicode
    (`xn--mller-kva.example` becomes `müller.example`) by IDNA 2008 without transitional mapping: `faß.example` and
    `fass.example` are two domains. A trailing dot of the domain is removed.
    """
    plain = unicodedata.normalize("NFKC", email).strip()
    local, at, domain = plain.rpartition("@")
    local = unicodedata.normalize("NFKC", local.lower())
    domain = domain.removesuffix(".") if at else domain
    if domain.isascii() and "xn--" not in domain.lower():
        return f"{local}{at}{domain.lower()}"
    return f"{local}{at}{_in_its_script(domain)}"


def mailed_domain(domain: str) -> str:
    """Return a domain in ASCII (RFC 5891). Raises UnicodeError for an invalid domain."""
    return domain if domain.isascii() else idna.encode(domain, uts46=True).decode("ascii")


def mailed_address(address: str) -> str:
    """Return an address, alone or as `Ann <ann@faß.example>`, with its domain in ASCII. Raises UnicodeError.

    Django and Python convert by IDNA 2003, which gives another domain for `ß` and a few other letters.
    """
    head, at, rest = address.rpartition("@")
    domain, bracket, tail = rest.partition(">")
    return f"{head}{at}{mailed_domain(domain)}{bracket}{tail}"


def is_reserved(domain: str) -> bool:
    """Return whether the domain is below `.invalid` (RFC 2606), as those of programs and deleted users are."""
    return f".{domain}".endswith(".invalid")


def validate_mailable(address: str) -> None:
    """Raise ValidationError for a well-formed address to which no e-mail can be sent.

    The field's other validators report addresses that are too long or malformed.
    """
    local, _at, domain = address.strip().removesuffix(".").rpartition("@")
    if len(address) > LONGEST_ADDRESS or not local or not domain:
        return
    if not local.isascii():
        message = _(
            "E-mail cannot be sent to %(value)s: our provider accepts only ASCII letters before the @ (no SMTPUTF8). "
            "The domain after it may have any script."
        )
        raise ValidationError(message, code="invalid", params={"value": address[:100]})
    try:
        ascii_domain = mailed_domain(domain)
    except UnicodeError:
        ascii_domain = ""
    length = len(local) + len("@") + len(ascii_domain)
    if not ascii_domain or is_reserved(ascii_domain) or len(local) > LONGEST_LOCAL_PART or length > LONGEST_ADDRESS:
        message = _("%(value)s is not a valid e-mail address.")
        raise ValidationError(message, code="invalid", params={"value": address[:100]})


def _in_its_script(domain: str) -> str:
    try:
        return idna.decode(idna.encode(domain, uts46=True))
    except UnicodeError:  # an invalid domain, which validators refuse
        return unicodedata.normalize("NFKC", domain.lower())

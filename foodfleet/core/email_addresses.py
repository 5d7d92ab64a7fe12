"""One spelling for each e-mail address, and the form that mail servers know it by."""

import unicodedata

import idna
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

LONGEST_LOCAL_PART = 64  # RFC 5321, 4.5.3.1.1
LONGEST_ADDRESS = 254  # as mail servers know it: 4.5.3.1.3, less the angle brackets


def normalize_email(email: str) -> str:
    """The form in which an address is stored, looked up and mailed to: NFKC, lower case, no surrounding white space.

    One form everywhere means that no two spellings which look or compare alike reach two accounts, and that a mail goes
    to the very address that was looked up (compare CVE-2019-19844). A domain of another script is kept in that script,
    however it was written (`xn--mller-kva.example` is `müller.example`), by the rules of IDNA 2008 without transitional
    mapping: `faß.example` is another domain than `fass.example`. Every domain stands without the dot of its root.
    """
    plain = unicodedata.normalize("NFKC", email).strip()
    local, at, domain = plain.rpartition("@")
    local = unicodedata.normalize("NFKC", local.lower())
    domain = domain.removesuffix(".") if at else domain
    if domain.isascii() and "xn--" not in domain.lower():
        return f"{local}{at}{domain.lower()}"
    return f"{local}{at}{_in_its_script(domain)}"


def mailed_domain(domain: str) -> str:
    """The form that mail servers know a domain by: ASCII (RFC 5891). Raises UnicodeError where it has none."""
    return domain if domain.isascii() else idna.encode(domain, uts46=True).decode("ascii")


def mailed_address(address: str) -> str:
    """An address, alone or as `Ann <ann@faß.example>`, with its domain in ASCII. Raises UnicodeError.

    Django and Python would write the domain by IDNA 2003, which is another domain for `ß` and a few other letters.
    """
    head, at, rest = address.rpartition("@")
    domain, bracket, tail = rest.partition(">")
    return f"{head}{at}{mailed_domain(domain)}{bracket}{tail}"


def is_reserved(domain: str) -> bool:
    """Return whether no mail server has this domain (RFC 2606); accounts of programs and deleted users have such."""
    return f".{domain}".endswith(".invalid")


def validate_mailable(address: str) -> None:
    """Raise ValidationError for an address that has the form of one and that no mail can be sent to."""
    if len(address) > LONGEST_ADDRESS:  # the field's own rule says so
        return
    local, _at, domain = address.strip().removesuffix(".").rpartition("@")
    if not local or not domain:  # likewise
        return
    if not local.isascii():
        message = _(
            "%(value)s cannot be written to: our mail provider takes only ASCII letters before the @ (it has no "
            "SMTPUTF8). The domain after it may be of any script."
        )
        raise ValidationError(message, code="invalid", params={"value": address[:100]})
    try:
        ascii_domain = mailed_domain(domain)
    except UnicodeError:
        ascii_domain = ""
    length = len(local) + len("@") + len(ascii_domain)
    if not ascii_domain or is_reserved(ascii_domain) or len(local) > LONGEST_LOCAL_PART or length > LONGEST_ADDRESS:
        message = _("%(value)s is not an e-mail address that can be written to.")
        raise ValidationError(message, code="invalid", params={"value": address[:100]})


def _in_its_script(domain: str) -> str:
    try:
        return idna.decode(idna.encode(domain, uts46=True))
    except UnicodeError:  # no domain: whoever checks addresses says so
        return unicodedata.normalize("NFKC", domain.lower())

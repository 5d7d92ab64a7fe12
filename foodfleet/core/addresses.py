"""One spelling for each e-mail address."""

import unicodedata


def normalize_email(email: str) -> str:
    """The form that an address is kept, looked up and mailed to in: NFKC, lower case, no surrounding white space.

    One form everywhere means that no two spellings which look or compare alike reach two accounts, and that a mail goes
    to the very address that was looked up (compare CVE-2019-19844). A domain of another script is kept in that script,
    however it was written (`xn--mller-kva.example` is `müller.example`), and every domain without the dot of its root.
    """
    plain = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", email).strip().lower())
    local, at, domain = plain.rpartition("@")
    domain = domain.removesuffix(".") if at else domain
    if domain.isascii() and "xn--" not in domain:
        return f"{local}{at}{domain}"
    return f"{local}{at}{_in_its_script(domain)}"


def mailed_domain(domain: str) -> str:
    """The form that mail servers know a domain by: ASCII (RFC 3490). Raises UnicodeError where it has none."""
    return domain.encode("idna").decode("ascii")


def _in_its_script(domain: str) -> str:
    try:
        return mailed_domain(domain).encode("ascii").decode("idna")
    except UnicodeError:  # no domain: whoever checks addresses says so
        return domain

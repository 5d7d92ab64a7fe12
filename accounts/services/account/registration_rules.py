"""Who may register: REGISTRATION, and the allowed and blocked domains of e-mail addresses.

Staff, commands and imports create accounts whatever these settings say.
"""

from collections.abc import Sequence

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from accounts.exceptions import RegistrationClosedException
from accounts.models import User
from foodfleet.core.email_addresses import normalize_email
from foodfleet.core.exceptions import ValidationException

OPEN, INVITE, CLOSED = "open", "invite", "closed"  # values of REGISTRATION


def ensure_allowed(email: str) -> None:
    """Raise RegistrationClosedException where nobody may register, and as `ensure_domain_allowed`."""
    if settings.REGISTRATION == CLOSED:
        raise RegistrationClosedException
    ensure_domain_allowed(email)


def ensure_domain_allowed(email: str) -> None:
    """Raise ValidationException for an address of a domain that people may not choose themselves.

    The settings alone decide, so the response reveals nothing about accounts.
    """
    domain = normalize_email(email).rpartition("@")[2]
    allowed, blocked = settings.REGISTRATION_ALLOWED_DOMAINS, settings.REGISTRATION_BLOCKED_DOMAINS
    if _is_among(domain, blocked) or (allowed and not _is_among(domain, allowed)):
        message = _("Addresses of this domain cannot be used here. Please use another address.")
        raise ValidationException.for_field("email", message, "domain_not_allowed")


def may_join(email: str) -> bool:
    """Whether the address may get an account: with REGISTRATION=invite only one that has an account already.

    An invitation is such an account. The caller answers alike in both cases.
    """
    return settings.REGISTRATION == OPEN or User.objects.with_email(email).exists()


def _is_among(domain: str, domains: Sequence[str]) -> bool:
    """`example.com` is that domain alone, `.example.com` its subdomains too."""
    return any(domain == one.removeprefix(".") or (one.startswith(".") and domain.endswith(one)) for one in domains)

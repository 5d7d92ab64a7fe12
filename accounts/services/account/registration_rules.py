"""Who may register: REGISTRATION, and the allowed and blocked domains of e-mail addresses.

These settings do not apply to accounts that staff, commands and imports create.
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
    """Raise RegistrationClosedException if nobody may register, or the exception of `ensure_domain_allowed`."""
    if settings.REGISTRATION == CLOSED:
        raise RegistrationClosedException
    ensure_domain_allowed(email)


def ensure_domain_allowed(email: str) -> None:
    """Raise ValidationException for an address whose domain REGISTRATION_..._DOMAINS do not allow.

    The result depends only on settings, so the response reveals nothing about accounts.
    """
    domain = normalize_email(email).rpartition("@")[2]
    allowed, blocked = settings.REGISTRATION_ALLOWED_DOMAINS, settings.REGISTRATION_BLOCKED_DOMAINS
    if _is_among(domain, blocked) or (allowed and not _is_among(domain, allowed)):
        message = _("Addresses of this domain cannot be used here. Please use another address.")
        raise ValidationException.for_field("email", message, "domain_not_allowed")


def may_join(email: str) -> bool:
    """Return whether the address may get an account. With REGISTRATION=invite it must have one: that of its invitation.

    The caller must give the same response in both cases.
    """
    return settings.REGISTRATION == OPEN or User.objects.with_email(email).exists()


def _is_among(domain: str, domains: Sequence[str]) -> bool:
    """Return whether `domains` contain the domain: `example.com` only itself, `.example.com` also its subdomains."""
    return any(domain == one.removeprefix(".") or (one.startswith(".") and domain.endswith(one)) for one in domains)

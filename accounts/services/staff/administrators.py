"""Administrators created or reset from the command line."""

import secrets
from dataclasses import dataclass, field

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from accounts.services import audit
from accounts.services.limits import lockout
from accounts.services.passwords import passwords
from accounts.services.sessions import sessions
from accounts.states import EndReason, EventKind
from foodfleet.core.email_addresses import normalize_email
from foodfleet.core.http.clients import Client

DEFAULT_EMAIL = "admin@foodfleet.example"
PASSWORD_BYTES = 15


@dataclass(frozen=True)
class Access:
    """The credentials of an administrator. Only the hash of the password is stored."""

    email: str
    password: str = field(repr=False)
    is_new: bool


def create_or_reset(email: str = DEFAULT_EMAIL) -> Access:
    """Create a superuser with this address, or make the existing account an active superuser with a new password.

    The sessions of an existing account end and its locks are removed; its MFA stays. Raises Django's ValidationError
    for an invalid address.
    """
    password = f"{secrets.token_urlsafe(PASSWORD_BYTES)}-A1z"  # the suffix satisfies every composition rule
    existing = User.objects.with_email(email).first()
    if existing is None:
        return Access(User.objects.create_superuser(email, password).email, password, is_new=True)
    encoded = passwords.hash_password(password)
    with transaction.atomic():
        user: User = User.objects.get_for_update(existing.pk)
        passwords.replace(user, encoded)
        sessions.end_all(user, reason=EndReason.PASSWORD_RESET)
        _activate(user)
        audit.record(kind=EventKind.PASSWORD_RESET, user=user, client=Client())
    return Access(normalize_email(user.email), password, is_new=False)


def _activate(user: User) -> None:
    user.is_active = user.is_staff = user.is_superuser = True
    user.locked_at = None
    user.email_verified_at = user.email_verified_at or timezone.now()
    user.save(update_fields=["is_active", "is_staff", "is_superuser", "locked_at", "email_verified_at"])
    lockout.forget(user.email)


def create_first() -> Access | None:
    """Create the first administrator; return None if there is one already."""
    if User.objects.filter(is_superuser=True).exists() or User.objects.with_email(DEFAULT_EMAIL).exists():
        return None
    return create_or_reset()

"""Becoming a user: register, prove the address."""

from dataclasses import dataclass, field

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts import signals
from accounts.exceptions import UserAlreadyExistsException
from accounts.models import User
from accounts.services import one_time_tokens, passwords
from accounts.states import TokenPurpose
from foodfleet.core.addresses import normalize_email
from foodfleet.core.clients import Client


@dataclass(frozen=True)
class NewUser:
    """What somebody says of themselves when they register."""

    email: str
    password: str = field(repr=False)
    first_name: str = ""
    last_name: str = ""
    phone: str = ""
    language: str = ""


def register(*, new: NewUser, client: Client) -> User | None:
    """Make an account and announce it with a verification token; a taken address is told by mail to its owner alone.

    Returns the user, or None where the address was taken. The password is checked and hashed in both cases alike, so
    neither the answer nor its time tells which. Raises WeakPasswordException; with ACCOUNTS_PREVENT_ENUMERATION off
    also UserAlreadyExistsException.
    """
    user = User(
        email=normalize_email(new.email),
        first_name=new.first_name,
        last_name=new.last_name,
        phone=new.phone,
        language=new.language,
    )
    passwords.ensure_strong(new.password, user)
    user.password = passwords.hashed(new.password)
    try:
        with transaction.atomic():
            user.save(force_insert=True)
            token = one_time_tokens.issue(user, TokenPurpose.VERIFY_EMAIL)
            signals.user_registered.send(sender=User, user=user, verification_token=token, client=client)
        return user
    except IntegrityError:
        _announce_repetition(user.email, client)
    if not settings.ACCOUNTS_PREVENT_ENUMERATION:
        raise UserAlreadyExistsException.for_field("email", UserAlreadyExistsException.message)
    return None


def _announce_repetition(email: str, client: Client) -> None:
    with transaction.atomic():
        owner = User.objects.with_email(email).get()
        signals.registration_repeated.send(sender=User, user=owner, client=client)


def resend_verification(*, email: str, client: Client) -> None:
    """Send another link to an address that has an account and is not confirmed; say nothing otherwise."""
    with transaction.atomic():
        user = User.objects.with_email(email).filter(email_verified_at__isnull=True, is_active=True).first()
        if user is not None:
            token = one_time_tokens.issue(user, TokenPurpose.VERIFY_EMAIL)
            signals.verification_requested.send(sender=User, user=user, verification_token=token, client=client)


def verify_email(*, token: str, client: Client) -> User:
    """Take the token as proof that the address is the user's. Raises InvalidTokenException."""
    with transaction.atomic():
        proof = one_time_tokens.find(token, TokenPurpose.VERIFY_EMAIL)
        one_time_tokens.spend(proof)
        user = proof.user
        if not user.is_email_verified:
            user.email_verified_at = timezone.now()
            user.save(update_fields=["email_verified_at"])
            signals.email_verified.send(sender=User, user=user, client=client)
        return user

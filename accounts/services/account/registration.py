"""Registration and verification of the address.

The first person who registers an address may not be its owner. If an unverified address is registered again with the
same password, the verification e-mail is sent again. If it is registered again with another password, the address is
contested: either password may be the owner's, so the verification disables the password and mails a link to choose one.
"""

from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts import signals
from accounts.exceptions import RegistrationClosedException, UserAlreadyExistsException, WeakPasswordException
from accounts.models import OneTimeToken, User
from accounts.services import audit, deferred
from accounts.services.account import first_verification, registration_rules
from accounts.services.one_time import tokens
from accounts.services.passwords import passwords
from accounts.services.passwords.breaches import NoBreachList
from accounts.states import DeferredJobKind, EventKind, TokenPurpose
from foodfleet.core.email_addresses import normalize_email
from foodfleet.core.http.clients import Client
from foodfleet.core.mailbox_limits import may_mail


@dataclass(frozen=True)
class NewUser:
    """The values of a registration."""

    email: str
    password: str = field(repr=False)
    first_name: str = ""
    last_name: str = ""
    phone: str = ""
    language: str = ""


def register(*, new: NewUser, client: Client) -> User | None:
    """Create an account and mail its verification link; if the address is taken, mail its owner instead.

    Returns the user, or None if the address is taken. The password is checked and hashed in both cases, so that neither
    the response nor its time reveals which it was. With REGISTRATION=invite, an address without an invitation gets no
    account and the same response. Raises WeakPasswordException and the exceptions of
    `registration_rules.ensure_allowed`; with ACCOUNTS_PREVENT_ENUMERATION off, also UserAlreadyExistsException and
    RegistrationClosedException.
    """
    user = User(
        email=normalize_email(new.email),
        first_name=new.first_name,
        last_name=new.last_name,
        phone=new.phone,
        language=new.language,
    )
    registration_rules.ensure_allowed(user.email)
    passwords.ensure_strong(new.password, user)
    is_mailed = may_mail(user.email)
    unverified = _unverified(user.email)
    if unverified is not None:
        # One comparison takes as long as one hash, so the response time reveals nothing.
        is_same = passwords.is_registered_with(unverified, new.password)
        _register_again(unverified, is_same=is_same, is_mailed=is_mailed, client=client)
        _refuse_taken()
        return None
    user.password = passwords.hash_password(new.password)
    if not registration_rules.may_join(user.email):
        _refuse_uninvited()
        return None
    return _create(user, client, is_mailed=is_mailed)


def _create(user: User, client: Client, *, is_mailed: bool) -> User | None:
    """Save the account and mail its verification link. Refuses an address that is taken."""
    try:
        with transaction.atomic():
            user.save(force_insert=True)
            audit.record(kind=EventKind.REGISTERED, user=user, client=client)
            token = tokens.issue(user, TokenPurpose.VERIFY_EMAIL, client=client) if is_mailed else ""
            signals.user_registered.send(sender=User, user=user, verification_token=token, client=client)
    except IntegrityError:
        if is_mailed:
            _announce_repetition(user.email, client)
        _refuse_taken()
        return None
    return user


def password_problems(*, password: str, email: str = "", first_name: str = "", last_name: str = "") -> list[Any]:
    """Return the errors of a password, each with "message" and "code", to show them with the errors of other fields.

    The list of breached passwords is not queried: `register` does that once everything else is valid.
    """
    user = User(email=normalize_email(email), first_name=first_name, last_name=last_name)
    try:
        passwords.ensure_strong(password, user, breaches=NoBreachList())
    except WeakPasswordException as weak:
        return list(weak.details["password"])
    return []


def _refuse_taken() -> None:
    """Refuse a taken address: silently, or by UserAlreadyExistsException if enumeration is not prevented."""
    if not settings.ACCOUNTS_PREVENT_ENUMERATION:
        raise UserAlreadyExistsException.for_field("email", UserAlreadyExistsException.message)


def _refuse_uninvited() -> None:
    """Refuse an address without invitation: silently, or by RegistrationClosedException if enumeration is allowed."""
    if not settings.ACCOUNTS_PREVENT_ENUMERATION:
        raise RegistrationClosedException


def _unverified(email: str) -> User | None:
    """Return the account of an address that nobody confirmed or vouched for, even if somebody signed in to it."""
    user: User | None = User.objects.with_email(email).unverified().first()
    is_free = user is not None and (user.last_login is None or first_verification.is_pending(user))
    return user if is_free else None


def _register_again(user: User, *, is_same: bool, is_mailed: bool, client: Client) -> None:
    """Mail another verification to an unverified address; another password makes it contested."""
    with transaction.atomic():
        contested = _is_contested(user) or not is_same
        if not is_mailed:  # mailed too often: the links sent before stay valid
            for sent in OneTimeToken.objects.of(user, TokenPurpose.VERIFY_EMAIL):
                sent.data["contested"] = contested
                sent.save(update_fields=["data"])
            return
        tokens.revoke(user, TokenPurpose.VERIFY_EMAIL)
        token = _issue_token(user, client, contested=contested)
        signals.registration_repeated.send(sender=User, user=user, client=client, verification_token=token)


def _is_contested(user: User) -> bool:
    return OneTimeToken.objects.of(user, TokenPurpose.VERIFY_EMAIL).filter(data__contested=True).exists()


def _issue_token(user: User, client: Client, *, contested: bool) -> str:
    return tokens.issue(user, TokenPurpose.VERIFY_EMAIL, data={"contested": contested}, client=client)


def mail_confirmation(user: User, *, client: Client) -> None:
    """Mail a link to confirm the address. Call it in a transaction."""
    token = _issue_token(user, client, contested=_is_contested(user))
    signals.verification_requested.send(sender=User, user=user, verification_token=token, client=client)


def _announce_repetition(email: str, client: Client) -> None:
    """Tell the owner of the address that somebody registered it; an invited person gets the invitation again."""
    with transaction.atomic():
        owner = User.objects.with_email(email).get()
        if owner.invited_at is not None and not owner.is_email_verified and owner.is_active:
            token = tokens.issue(owner, TokenPurpose.INVITATION, client=client)
            signals.user_invited.send(sender=User, user=owner, actor=None, invitation_token=token, client=client)
            return
        signals.registration_repeated.send(sender=User, user=owner, client=client, verification_token="")


def resend_verification(*, email: str, client: Client) -> None:
    """Mail another link if the address has an unverified account.

    The lookup is a deferred job, so that neither the response nor its time reveals whether the address has an account.
    """
    if may_mail(email):
        deferred.enqueue(DeferredJobKind.CONFIRMATION, email=email, client=client)


@deferred.job(DeferredJobKind.CONFIRMATION)
def mail_confirmation_again(*, email: str, client: Client) -> None:
    """Mail the link if the address has an unverified account."""
    with transaction.atomic():
        user = User.objects.with_email(email).filter(email_verified_at__isnull=True, is_active=True).first()
        if user is not None:
            mail_confirmation(user, client=client)


def verify_email(*, token: str, client: Client, signed_in: User | None = None) -> User:
    """Consume the token and mark the address as verified. Raises InvalidTokenException.

    `first_verification.remove_earlier_access` runs if the address is contested, or if somebody signed in before this
    first verification, unless they verify it in their own session. For a contested address the profile is removed and a
    link to choose a password is mailed too. signed_in: the user of the session that sends the token, if there is one.
    """
    with transaction.atomic():
        found = tokens.find(token, TokenPurpose.VERIFY_EMAIL)
        tokens.consume(found)
        user, client = found.user, tokens.client_of_link(found, client)
        if not user.is_email_verified:
            contested = bool(found.data.get("contested"))
            if contested or (user != signed_in and first_verification.is_pending(user)):
                first_verification.remove_earlier_access(user, client)
            if contested:
                _remove_password_and_profile(user)
            user.email_verified_at = timezone.now()
            user.save(update_fields=["email_verified_at"])
            audit.record(kind=EventKind.EMAIL_VERIFIED, user=user, client=client)
            signals.email_verified.send(sender=User, user=user, client=client)
            if contested:
                reset = tokens.issue(user, TokenPurpose.RESET_PASSWORD)
                signals.password_reset_requested.send(sender=User, user=user, reset_token=reset, client=client)
        return user


def _remove_password_and_profile(user: User) -> None:
    """Remove password, names and phone of a contested address, because they may not be its owner's."""
    passwords.disable(user)
    user.first_name = user.last_name = user.phone = ""
    user.phone_verified_at = None
    user.save(update_fields=["first_name", "last_name", "phone", "phone_verified_at"])

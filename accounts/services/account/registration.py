"""Becoming a user: register, prove the address.

Whoever registers an address first may not be its owner. So nobody's password survives the confirmation of an address
that was registered again with another one: neither side can be told from the other until the mail is answered, and then
the owner chooses a password by a link of its own. Registered again with the same password, it is simply mailed again.
"""

from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts import signals
from accounts.exceptions import UserAlreadyExistsException, WeakPasswordException
from accounts.models import OneTimeToken, User
from accounts.services import audit, deferred
from accounts.services.account import first_verification
from accounts.services.one_time import tokens
from accounts.services.passwords import passwords
from accounts.services.passwords.breaches import NoBreachList
from accounts.states import DeferredJobKind, EventKind, TokenPurpose
from foodfleet.core.email_addresses import normalize_email
from foodfleet.core.http.clients import Client
from foodfleet.core.mailbox_limits import may_mail


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
    is_mailed = may_mail(user.email)
    known = _unproven(user.email)
    if known is not None:
        # One comparison costs what one hash does: the time tells nothing.
        is_same = passwords.is_registered_with(known, new.password)
        _register_again(known, is_same=is_same, is_mailed=is_mailed, client=client)
        return _told_by_mail_alone()
    user.password = passwords.hashed(new.password)
    try:
        with transaction.atomic():
            user.save(force_insert=True)
            audit.record(kind=EventKind.REGISTERED, user=user, client=client)
            token = tokens.issue(user, TokenPurpose.VERIFY_EMAIL) if is_mailed else ""
            signals.user_registered.send(sender=User, user=user, verification_token=token, client=client)
        return user
    except IntegrityError:
        if is_mailed:
            _announce_repetition(user.email, client)
    return _told_by_mail_alone()


def password_problems(*, password: str, email: str = "", first_name: str = "", last_name: str = "") -> list[Any]:
    """What is wrong with a password, beside other fields that are refused already: all is told in one round.

    Each with "message" and "code". Asks no list of breached passwords: `register` does, once all else is right.
    """
    user = User(email=normalize_email(email), first_name=first_name, last_name=last_name)
    try:
        passwords.ensure_strong(password, user, breaches=NoBreachList())
    except WeakPasswordException as weak:
        return list(weak.details["password"])
    return []


def _told_by_mail_alone() -> User | None:
    """What registering a taken address gives: nothing, or the refusal where enumeration is not prevented."""
    if not settings.ACCOUNTS_PREVENT_ENUMERATION:
        raise UserAlreadyExistsException.for_field("email", UserAlreadyExistsException.message)
    return None


def _unproven(email: str) -> User | None:
    """The account of an address that nobody confirmed or vouches for, whether or not somebody signed in to it."""
    user: User | None = User.objects.with_email(email).unverified().first()
    is_free = user is not None and (user.last_login is None or first_verification.is_missing(user))
    return user if is_free else None


def _register_again(user: User, *, is_same: bool, is_mailed: bool, client: Client) -> None:
    """Mail another confirmation to an address that nobody confirmed; with another password it is contested."""
    with transaction.atomic():
        contested = _is_contested(user) or not is_same
        if not is_mailed:  # past the limit: the links that were mailed serve on
            OneTimeToken.objects.of(user, TokenPurpose.VERIFY_EMAIL).update(data={"contested": contested})
            return
        tokens.revoke(user, TokenPurpose.VERIFY_EMAIL)
        token = _confirmation(user, contested=contested)
        signals.registration_repeated.send(sender=User, user=user, client=client, verification_token=token)


def _is_contested(user: User) -> bool:
    return OneTimeToken.objects.of(user, TokenPurpose.VERIFY_EMAIL).filter(data__contested=True).exists()


def _confirmation(user: User, *, contested: bool) -> str:
    return tokens.issue(user, TokenPurpose.VERIFY_EMAIL, data={"contested": contested})


def _mail_confirmation(user: User, *, contested: bool, client: Client) -> None:
    token = _confirmation(user, contested=contested)
    signals.verification_requested.send(sender=User, user=user, verification_token=token, client=client)


def _announce_repetition(email: str, client: Client) -> None:
    with transaction.atomic():
        owner = User.objects.with_email(email).get()
        signals.registration_repeated.send(sender=User, user=owner, client=client, verification_token="")


def resend_verification(*, email: str, client: Client) -> None:
    """Send another link to an address that has an account and is not confirmed; say nothing otherwise.

    The address is looked up once the answer has been given, so that no answer's time tells whether it has an account.
    """
    if may_mail(email):
        deferred.enqueue(DeferredJobKind.CONFIRMATION, email=email, client=client)


@deferred.job(DeferredJobKind.CONFIRMATION)
def mail_confirmation_again(*, email: str, client: Client) -> None:
    """Mail the link, where there is an account that waits for it."""
    with transaction.atomic():
        user = User.objects.with_email(email).filter(email_verified_at__isnull=True, is_active=True).first()
        if user is not None:
            _mail_confirmation(user, contested=_is_contested(user), client=client)


def verify_email(*, token: str, client: Client, signed_in: User | None = None) -> User:
    """Take the token as proof that the address is the user's. Raises InvalidTokenException.

    Where the address was contested, what was set up before the proof is void and a link to choose a password follows.
    Where somebody signed in before this first proof, what they set up is removed, unless it is they who prove it.
    signed_in: whose session shows the token, where there is one.
    """
    with transaction.atomic():
        proof = tokens.find(token, TokenPurpose.VERIFY_EMAIL)
        tokens.consume(proof)
        user = proof.user
        if not user.is_email_verified:
            contested = bool(proof.data.get("contested"))
            if contested or (user != signed_in and first_verification.is_missing(user)):
                first_verification.remove_earlier(user, client)
            if contested:
                _forget_who_registered(user)
            user.email_verified_at = timezone.now()
            user.save(update_fields=["email_verified_at"])
            audit.record(kind=EventKind.EMAIL_VERIFIED, user=user, client=client)
            signals.email_verified.send(sender=User, user=user, client=client)
            if contested:
                reset = tokens.issue(user, TokenPurpose.RESET_PASSWORD)
                signals.password_reset_requested.send(sender=User, user=user, reset_token=reset, client=client)
        return user


def _forget_who_registered(user: User) -> None:
    """Neither side of a contested address can be told from the other: nobody's password, name or phone stays."""
    passwords.disable(user)
    user.first_name = user.last_name = user.phone = ""
    user.phone_verified_at = None
    user.save(update_fields=["first_name", "last_name", "phone", "phone_verified_at"])

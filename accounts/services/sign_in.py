"""From e-mail and password to a session."""

from dataclasses import dataclass

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts import signals
from accounts.exceptions import EmailNotVerifiedException, InvalidCredentialsException
from accounts.models import User
from accounts.services import passwords, sessions
from foodfleet.core.clients import Client


@dataclass(frozen=True)
class SignedIn:
    """A user with the tokens of a new session."""

    user: User
    tokens: sessions.TokenPair


def sign_in(*, email: str, password: str, client: Client) -> SignedIn:
    """Compare the password and begin a session.

    Raises InvalidCredentialsException, or EmailNotVerifiedException for the right password of an address that is not
    confirmed yet.
    """
    user = authenticate(email=email, password=password)
    with transaction.atomic():
        pair = sessions.start(user=user, client=client)
        User.objects.filter(pk=user.pk).update(last_login=timezone.now())
        signals.signed_in.send(sender=User, user=user, session=pair.session, client=client)
    return SignedIn(user, pair)


def authenticate(*, email: str, password: str) -> User:
    """The active user whose password this is. An unknown address costs a hash too, so the time tells nothing."""
    user: User | None = User.objects.with_email(email).first()
    if user is None:
        passwords.hashed(password)
        raise InvalidCredentialsException
    if not passwords.matches(user, password) or not user.is_active:
        raise InvalidCredentialsException
    if settings.ACCOUNTS_EMAIL_VERIFICATION == "mandatory" and not user.is_email_verified:
        raise EmailNotVerifiedException
    return user

"""Add, change and remove the passkeys of a user."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

from accounts import signals
from accounts.exceptions import Invalid2FACodeException, TooManyPasskeysException
from accounts.models import Passkey, User, backup_codes
from accounts.services import audit
from accounts.services.mfa import methods, reauthentication
from accounts.services.mfa import webauthn as mechanism
from accounts.services.mfa.enrolment import record_disabled, record_enabled
from accounts.services.mfa.passkey_verification import method_of
from accounts.services.one_time import challenges, tokens
from accounts.services.one_time.challenges import PasskeyChallenge
from accounts.states import ChallengePurpose, EventKind, Method
from foodfleet.core.exceptions import NotFoundException
from foodfleet.core.http.clients import Client
from rbac.services import actors

MAX_PASSKEYS = 20  # all of them are sent to the browser at each sign-in


@dataclass(frozen=True)
class PasskeySettings:
    """The settings of a passkey that its owner chooses. passwordless: it signs in without the password."""

    name: str
    passwordless: bool = False


@dataclass(frozen=True)
class AddedPasskey:
    """A new passkey. backup_codes: ten if it enabled MFA, else none; they cannot be read again."""

    passkey: Passkey
    backup_codes: list[str]


def passkeys_of(user: User) -> list[Passkey]:
    """Return the user's passkeys, oldest first."""
    return list(Passkey.objects.of(user))


def begin(*, user: User, session_id: UUID, client: Client) -> PasskeyChallenge:
    """Issue the challenge for creating a passkey.

    Raises ReauthenticationRequiredException or TooManyPasskeysException.
    """
    reauthentication.require(session_id)
    known = passkeys_of(user)
    if len(known) >= MAX_PASSKEYS:
        raise TooManyPasskeysException
    issued = challenges.issue(ChallengePurpose.PASSKEY_CREATION, user=user, client=client)
    challenge = mechanism.challenge_bytes(issued.token)
    options = mechanism.creation_options(user, challenge=challenge, known=known)
    return PasskeyChallenge(issued.token, options, issued.expires_in)


def add(
    *, user: User, session_id: UUID, challenge: str, credential: Any, requested: PasskeySettings, client: Client
) -> AddedPasskey:
    """Store the passkey that the browser created for `challenge` (the token).

    Raises ReauthenticationRequiredException, Invalid2FACodeException or TooManyPasskeysException.
    """
    reauthentication.require(session_id)
    issued = challenges.find(challenge, ChallengePurpose.PASSKEY_CREATION)
    challenges.reserve_attempt(issued)
    if issued.user_id != user.pk:
        raise Invalid2FACodeException
    try:
        new = mechanism.verify_creation(credential, challenge=mechanism.challenge_bytes(challenge))
    except mechanism.InvalidPasskeyError:
        raise Invalid2FACodeException from None
    is_first = not methods.is_enabled(user)
    codes = backup_codes.generate_codes() if is_first else []
    hashes = backup_codes.hash_codes(codes) if is_first else []
    with transaction.atomic():
        actors.lock_actor(user)
        challenges.consume(issued)
        passkey = _create(user, new, requested)
        if is_first:
            methods.replace_backup_codes(user, hashes)
            record_enabled(user, Method.PASSKEY, client, session_id=session_id)
        reauthentication.record_enrolment(session_id, method_of(passkey))
        audit.record(kind=EventKind.PASSKEY_ADDED, user=user, client=client, details={"name": passkey.name})
        signals.passkey_added.send(
            sender=User, user=user, passkey=passkey, client=client, report_token=tokens.issue_report_token(user)
        )
    return AddedPasskey(passkey, codes)


def _create(user: User, new: mechanism.NewPasskey, requested: PasskeySettings) -> Passkey:
    if Passkey.objects.of(user).count() >= MAX_PASSKEYS:
        raise TooManyPasskeysException
    try:
        with transaction.atomic():
            return Passkey.objects.create(
                user=user,
                name=requested.name,
                passwordless=requested.passwordless,
                credential_id=new.credential_id,
                public_key=new.public_key,
                sign_count=new.sign_count,
                transports=new.transports,
                is_backup_eligible=new.is_backup_eligible,
                is_backed_up=new.is_backed_up,
            )
    except IntegrityError:  # WebAuthn level 3, section 7.1, step 26: a credential id belongs to one account
        raise Invalid2FACodeException from None


def change(*, user: User, session_id: UUID, passkey_id: int, requested: PasskeySettings, client: Client) -> Passkey:
    """Change the name of a passkey, or whether it signs in without the password.

    Raises NotFoundException, or ReauthenticationRequiredException if `passwordless` changes.
    """
    passkey = own(user, passkey_id)
    if requested.passwordless != passkey.passwordless:
        reauthentication.require(session_id)
    passkey.name, passkey.passwordless = requested.name, requested.passwordless
    with transaction.atomic():
        actors.lock_actor(user)
        passkey.save(update_fields=["name", "passwordless"])
        audit.record(
            kind=EventKind.PASSKEY_CHANGED,
            user=user,
            client=client,
            details={"name": passkey.name, "passwordless": passkey.passwordless},
        )
    return passkey


def remove(*, user: User, session_id: UUID, passkey_id: int, client: Client) -> None:
    """Remove a passkey. Without a remaining app or passkey, MFA is disabled and the backup codes are removed.

    Raises NotFoundException or ReauthenticationRequiredException.
    """
    passkey = own(user, passkey_id)
    reauthentication.require(session_id)
    with transaction.atomic():
        actors.lock_actor(user)
        Passkey.objects.filter(pk=passkey.pk).delete()
        audit.record(kind=EventKind.PASSKEY_REMOVED, user=user, client=client, details={"name": passkey.name})
        signals.passkey_removed.send(
            sender=User, user=user, name=passkey.name, client=client, report_token=tokens.issue_report_token(user)
        )
        if not methods.is_enabled(user):
            methods.remove_all(user)
            record_disabled(user, client)


def own(user: User, passkey_id: int) -> Passkey:
    """Return the user's passkey with this id. Raises NotFoundException."""
    passkey: Passkey | None = Passkey.objects.of(user).filter(pk=passkey_id).first()
    if passkey is None:
        raise NotFoundException
    return passkey

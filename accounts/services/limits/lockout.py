"""Wrong passwords are counted, and too many of them lock: reserve first, then compare.

An attempt is counted before its password is compared, by one statement that commits by itself, so that however many
guesses come at once no more than ATTEMPTS are ever compared. It is counted under a keyed digest of the address, whether
or not that has an account, so that no answer tells. A device that signed in to the address before has a count of its
own (OWASP's device cookie): a stranger's guesses lock strangers out, not the owner.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.utils import timezone

from accounts import signals
from accounts.exceptions import AccountLockedException
from accounts.models import LoginAttempts, User
from accounts.models.users import UserQuerySet
from accounts.services import audit, deferred
from accounts.services.one_time import tokens
from accounts.services.sessions import devices, sessions
from accounts.states import DeferredJobKind, EndReason, EventKind
from foodfleet.core import crypto
from foodfleet.core.email_addresses import normalize_email
from foodfleet.core.http.clients import Client

logger = structlog.get_logger(__name__)
NOT_AN_ADDRESS = "[not an address]"
ATTEMPTS = 5
FIRST_LOCK = timedelta(minutes=15)
LONGEST_LOCK = timedelta(hours=24)
LOCK_TIMES = [FIRST_LOCK * 2**step for step in range(7)] + [LONGEST_LOCK]  # 15 min, 30, 60 ... 16 h, 24 h


@dataclass(frozen=True)
class Attempt:
    """A counted attempt. tries: with this one; locked_until: set on the one that used the last try up."""

    address: str
    device: str
    tries: int
    locked_until: datetime | None


def reserve_attempt(*, email: str, client: Client) -> Attempt:
    """Count an attempt to sign in to `email`; only then may a password be compared.

    Commits on its own: never call it inside a transaction, a refusal would take it back. Raises AccountLockedException.
    """
    now = timezone.now()
    address, device = _address(email), _device(client.device)
    counted = LoginAttempts.objects.reserve(
        address=address, device=device, limit=ATTEMPTS, lock_times=LOCK_TIMES, now=now
    )
    if counted is None:
        raise AccountLockedException(LoginAttempts.objects.lock_of(address, device))
    device, tries, locks = counted
    locked_until = now + LOCK_TIMES[min(locks, len(LOCK_TIMES)) - 1] if tries >= ATTEMPTS else None
    return Attempt(address, device, tries, locked_until)


def failed(attempt: Attempt, *, user: User | None, client: Client) -> None:
    """The attempt's password was wrong. Where it was the last try, tell the owner what happened and what to do.

    Once the answer has been given: its time does not tell that there is an owner.
    """
    if attempt.locked_until is not None:
        deferred.enqueue(
            DeferredJobKind.LOCK,
            address=attempt.address,
            device=attempt.device,
            until=attempt.locked_until.isoformat(),
            user=user.pk if user else None,
            client=client,
        )


@deferred.job(DeferredJobKind.LOCK)
def tell_of_lock(*, address: str, device: str, until: str, user: int | None, client: Client) -> None:
    """Write the lock down, and tell the owner of the account where there is one. until: in ISO 8601."""
    owner = User.objects.present().filter(pk=user).first() if user else None
    with transaction.atomic():
        LoginAttempts.objects.counted_on(address, device).update(user=owner)
        audit.record(kind=EventKind.SIGN_IN_LOCKED, user=owner, client=client)
        if owner is not None:
            told = {
                "until": datetime.fromisoformat(until),
                "report_token": tokens.issue_report_token(owner),
                "client": client,
            }
            signals.sign_in_locked.send(sender=User, user=owner, **told)


def log_failure(*, email: str, reason: str, attempts: int) -> None:
    """Name in the log whose sign-in failed and why. What is no address may be a password in the wrong field."""
    try:
        validate_email(email)
        named = normalize_email(email)
    except ValidationError:
        named = NOT_AN_ADDRESS
    logger.warning("failed_login_attempt", email=named, reason=reason, attempts=attempts)


def forget(email: str, client: Client | None = None) -> None:
    """Forget what was tried: all of it (a reset by mail), or only on the count of `client` (the right password)."""
    address = _address(email)
    attempts = LoginAttempts.objects.of(address)
    if client is None:
        attempts.clear()
    elif not attempts.counted_on(address, _device(client.device)).clear():
        attempts.counted_on(address, "").clear()


def new_device(*, email: str, client: Client, clear_strangers: bool) -> str:
    """After a sign-in: know the client's device by a new id, with a count of its own; returns that id.

    Each sign-in has its own id, which takes the place of the one that the client showed, at every address that knew it:
    an id that somebody else planted in the browser, or copied from it, is nobody's from then on. clear_strangers:
    forget what was tried without a known device too, because this sign-in was counted there.
    """
    device = crypto.new_token()
    if client.device:
        LoginAttempts.objects.replace_device(_device(client.device), _device(device))
    LoginAttempts.objects.remember(_address(email), [_device(device), *([""] if clear_strangers else [])])
    return device


def forget_devices(email: str) -> None:
    """Know no device of this address any more: whoever signed in may have been somebody else."""
    LoginAttempts.objects.of(_address(email)).exclude(device="").delete()


def recognised(users: UserQuerySet, *, email: str, client: Client) -> UserQuerySet:
    """Of `users`, of this address, whether each signed in before, and on this device: `UserQuerySet.recognising`."""
    return users.recognising(
        address=_address(email), device=_device(client.device), fingerprint=devices.fingerprint(client)
    )


def lock(*, user: User, actor: User | None, client: Client, reason: str = "") -> None:
    """Shut the account until staff unlock it: every session ends, and no password opens it."""
    details = {"reason": reason} if reason else None
    with transaction.atomic():
        user.locked_at = timezone.now()
        user.save(update_fields=["locked_at"])
        sessions.end_all(user, reason=EndReason.LOCKED)
        audit.record(kind=EventKind.LOCKED, user=user, client=client, actor=actor, details=details)


def unlock(*, user: User, actor: User | None, client: Client) -> None:
    """Open the account: a lock by staff, and those that wrong passwords led to."""
    with transaction.atomic():
        user.locked_at = None
        user.save(update_fields=["locked_at"])
        forget(user.email)
        audit.record(kind=EventKind.UNLOCKED, user=user, client=client, actor=actor)


def _address(email: str) -> str:
    return crypto.keyed_digest(normalize_email(email), purpose="login-attempts")


def _device(device: str) -> str:
    return crypto.digest(device) if device else ""

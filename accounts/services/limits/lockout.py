"""Lock an address after too many wrong passwords.

An attempt is counted before its password is compared, by one statement that commits on its own, so that of any number
of concurrent guesses no more than ATTEMPTS are compared. It is counted under a keyed digest of the address, whether or
not an account has that address, so that the response does not reveal which. A device that signed in to the address
before has its own count (OWASP's device cookie): guesses from unknown devices do not lock out the owner.
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
from accounts.services.sessions import sessions
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
    """A counted attempt. tries: including this one; locked_until: set where this one caused the lock."""

    address: str
    device: str
    tries: int
    locked_until: datetime | None


def reserve_attempt(*, email: str, client: Client) -> Attempt:
    """Count an attempt to sign in to `email`; call it before comparing a password.

    Commits on its own: never call it inside a transaction, whose rollback would undo the count.
    Raises AccountLockedException.
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
    """Enqueue `record_lock` where the attempt's wrong password caused a lock.

    It runs after the response, so that the response time does not reveal whether there is an account.
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
def record_lock(*, address: str, device: str, until: str, user: int | None, client: Client) -> None:
    """Record the lock, and notify the owner where there is an account. until: in ISO 8601."""
    owner = User.objects.present().filter(pk=user).first() if user else None
    with transaction.atomic():
        LoginAttempts.objects.counted_on(address, device).update(user=owner)
        audit.record(kind=EventKind.SIGN_IN_LOCKED, user=owner, client=client)
        if owner is not None:
            signals.sign_in_locked.send(
                sender=User,
                user=owner,
                until=datetime.fromisoformat(until),
                report_token=tokens.issue_report_token(owner),
                client=client,
            )


def log_failure(*, email: str, reason: str, attempts: int) -> None:
    """Log a failed sign-in. What is not an address is left out: it may be a password typed into the wrong field."""
    try:
        validate_email(email)
        address = normalize_email(email)
    except ValidationError:
        address = NOT_AN_ADDRESS
    logger.warning("failed_login_attempt", email=address, reason=reason, attempts=attempts)


def forget(email: str, client: Client | None = None) -> None:
    """Reset the counts: all (a reset by mail), or only the one of `client` (after the right password)."""
    address = _address(email)
    attempts = LoginAttempts.objects.of(address)
    if client is None:
        attempts.clear()
    elif not attempts.counted_on(address, _device(client.device)).clear():
        attempts.counted_on(address, "").clear()


def new_device(*, email: str, client: Client, clear_unknown_device: bool) -> str:
    """Give the client's device a new id with its own count, after a sign-in; returns that id.

    The new id replaces the one that the client sent, at every address that knew it, so that an id that was planted in
    the browser or copied from it becomes useless. clear_unknown_device: also reset the count of unknown devices,
    because this sign-in was counted there.
    """
    device = crypto.new_token()
    if client.device:
        LoginAttempts.objects.replace_device(_device(client.device), _device(device))
    LoginAttempts.objects.remember(_address(email), [_device(device), *([""] if clear_unknown_device else [])])
    return device


def forget_devices(email: str) -> None:
    """Forget all devices known to this address: an intruder may have signed in on one of them."""
    LoginAttempts.objects.of(_address(email)).exclude(device="").delete()


def with_sign_in_history(users: UserQuerySet, *, email: str, client: Client) -> UserQuerySet:
    """Annotate `users`, who have this address, as `UserQuerySet.with_sign_in_history` does for this client."""
    return users.with_sign_in_history(
        address=_address(email), device=_device(client.device), fingerprint=sessions.fingerprint(client)
    )


def lock(*, user: User, actor: User | None, client: Client, reason: str = "") -> None:
    """Lock the account until staff unlock it: every session ends, and nobody can sign in."""
    details = {"reason": reason} if reason else None
    with transaction.atomic():
        user.locked_at = timezone.now()
        user.save(update_fields=["locked_at"])
        sessions.end_all(user, reason=EndReason.LOCKED)
        audit.record(kind=EventKind.LOCKED, user=user, client=client, actor=actor, details=details)


def unlock(*, user: User, actor: User | None, client: Client) -> None:
    """Unlock the account: both a lock by staff and locks after wrong passwords."""
    with transaction.atomic():
        user.locked_at = None
        user.save(update_fields=["locked_at"])
        forget(user.email)
        audit.record(kind=EventKind.UNLOCKED, user=user, client=client, actor=actor)


def _address(email: str) -> str:
    return crypto.keyed_digest(normalize_email(email), purpose="login-attempts")


def _device(device: str) -> str:
    return crypto.digest(device) if device else ""

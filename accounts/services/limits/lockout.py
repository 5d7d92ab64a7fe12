"""Lock an address after too many wrong passwords.

An attempt is counted before its password is compared, by one statement that commits on its own, so that at most
ATTEMPTS of any number of concurrent attempts are compared. It is counted under a keyed digest of the address even if no
account has that address, so that the response does not reveal which is the case. A device that signed in to the address
before has its own count (OWASP "device cookies"), so that attempts from unknown devices do not lock out the owner.
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
from accounts.models import KnownDevice, User
from accounts.models.users import UserQuerySet
from accounts.services import audit, deferred
from accounts.services.one_time import tokens
from accounts.services.sessions import sessions
from accounts.states import DeferredJobKind, EndReason, EventKind
from foodfleet.core import crypto
from foodfleet.core.cache import rate_limits
from foodfleet.core.email_addresses import normalize_email
from foodfleet.core.http.clients import Client

logger = structlog.get_logger(__name__)
NOT_AN_ADDRESS = "[not an address]"
ATTEMPTS = 5
LOCKOUT = rate_limits.Lockout(
    first=ATTEMPTS,
    every=ATTEMPTS,
    waits=(*(timedelta(minutes=15) * 2**step for step in range(7)), timedelta(hours=24)),  # 15 min, 30 ... 16 h, 24 h
    memory=timedelta(days=30),
    # Fewer than ATTEMPTS in a day are forgotten. This allows no more attempts than the longest lock does, and the many
    # addresses that a bot invents are rows for a day and not for a month.
    memory_unblocked=timedelta(days=1),
)


@dataclass(frozen=True)
class Attempt:
    """A counted attempt.

    tries: the number of attempts since the last lock, including this one. locked_until: set if a wrong password in this
    attempt locks the address.
    """

    key: str
    tries: int
    locked_until: datetime | None


def known_device_id(*, email: str, client: Client) -> int | None:
    """Return the pk of the client's KnownDevice, None if the device has not signed in to this address before."""
    known = KnownDevice.objects.at(_address(email), _device(client.device)).first() if client.device else None
    return known.pk if known else None


def reserve_attempt(*, email: str, known_device_id: int | None = None) -> Attempt:
    """Count an attempt to sign in to `email`. Call it before comparing a password, and outside of a transaction.

    known_device_id: from the function of that name, or from `with_sign_in_history`. Raises AccountLockedException.
    """
    key = _address_key(_address(email)) if known_device_id is None else _device_key(known_device_id)
    counted = rate_limits.reserve_attempt(key, LOCKOUT)
    if not counted.allowed:
        raise AccountLockedException(counted.blocked_until)
    return Attempt(key, (counted.count - 1) % ATTEMPTS + 1, counted.blocked_until)


def failed(attempt: Attempt, *, user: User | None, client: Client) -> None:
    """Enqueue `record_lock` if the wrong password of this attempt locked the address.

    The job runs after the response, so that the response time does not reveal whether there is an account.
    """
    if attempt.locked_until is not None:
        deferred.enqueue(
            DeferredJobKind.LOCK,
            key=attempt.key,
            until=attempt.locked_until.isoformat(),
            user=user.pk if user else None,
            client=client,
        )


@deferred.job(DeferredJobKind.LOCK)
def record_lock(*, key: str, until: str, user: int | None, client: Client) -> None:
    """Record the lock, and notify the owner if there is an account. until: in ISO 8601."""
    owner = User.objects.present().filter(pk=user).first() if user else None
    with transaction.atomic():
        rate_limits.set_subject(key, owner.pk if owner else None)
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
    """Log a failed sign-in. An invalid address is not logged: it may be a password typed into the wrong field."""
    try:
        validate_email(email)
        address = normalize_email(email)
    except ValidationError:
        address = NOT_AN_ADDRESS
    logger.warning("failed_login_attempt", email=address, reason=reason, attempts=attempts)


def succeeded(attempt: Attempt) -> None:
    """Reset the count after an attempt with the correct password."""
    rate_limits.clear_attempts(attempt.key)


def forget(email: str) -> None:
    """Reset all counts of the address; the devices stay known."""
    address = _address(email)
    known = KnownDevice.objects.of(address).values_list("pk", flat=True)
    rate_limits.clear_attempts(_address_key(address), *map(_device_key, known))


def new_device(*, email: str, client: Client, known_device_id: int | None, clear_unknown_device: bool) -> str:
    """Give the client's device a new id after a sign-in, reset its count, and return the id.

    The new id replaces the one that the client sent at every address, so that an id that was planted in the browser or
    copied from it becomes useless. clear_unknown_device: if the device is unknown, reset the count of unknown devices,
    because this sign-in was counted there.
    """
    device, address = crypto.new_token(), _address(email)
    replaced = KnownDevice.objects.replace(_device(client.device), _device(device)) if client.device else 0
    if known_device_id is None or not replaced:  # not replaced: a concurrent sign-in on this device did it first
        KnownDevice.objects.create(address=address, device=_device(device))
    if known_device_id is not None:
        rate_limits.clear_attempts(_device_key(known_device_id))
    elif clear_unknown_device:
        rate_limits.clear_attempts(_address_key(address))
    return device


def forget_devices(email: str) -> None:
    """Forget all devices known at this address, because an intruder may have signed in on one of them."""
    KnownDevice.objects.of(_address(email)).delete()


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


def _address_key(address: str) -> str:
    return f"login:{address}"


def _device_key(known: int) -> str:
    return f"login-device:{known}"

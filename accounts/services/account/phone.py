"""Changes of the phone number, confirmed by a code sent by SMS."""

from datetime import timedelta
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts import signals
from accounts.models import PhoneCode, User
from accounts.services import audit
from accounts.services.mfa import reauthentication, sms
from accounts.services.one_time import tokens
from accounts.states import EventKind
from foodfleet.core import crypto
from foodfleet.core.cache import rate_limits
from foodfleet.core.exceptions import ThrottledException, ValidationException
from foodfleet.core.http.clients import Client
from foodfleet.core.phone_numbers import E164, normalize_phone
from rbac.services import actors

CODE_LIFETIME = timedelta(minutes=10)  # NIST SP 800-63B 3.1.3.1: at most 10
LOCKOUT = rate_limits.Lockout.at_most(5, CODE_LIFETIME)
SMS_PER_HOUR = 3  # to one number, from all users together


def request_code(*, user: User, phone: str, client: Client) -> str:
    """Send a code to `phone` by SMS and return the number in E.164. The code replaces an earlier one.

    The user's current number stays until the code is confirmed. Raises ValidationException or ThrottledException.
    """
    number = to_e164(phone)
    reserve_sms(number)
    code = sms.new_code()
    with transaction.atomic():
        actors.lock_actor(user)
        PhoneCode.objects.update_or_create(
            user=user,
            defaults={
                "phone": number,
                "digest": sms.digest(code, **_context(user, number)),
                "expires_at": timezone.now() + CODE_LIFETIME,
            },
        )
        signals.phone_code_requested.send(sender=User, user=user, phone=number, code=code, client=client)
    return number


def to_e164(phone: str) -> str:
    """Return the number in E.164. Raises ValidationException."""
    try:
        number = normalize_phone(phone)
        E164(number)  # rejects '', which `normalize_phone` returns for an empty text
    except ValidationError as error:
        raise ValidationException.for_field("phone", error.message, "invalid") from None
    return number


def reserve_sms(number: str) -> None:
    """Count an SMS to `number` before it is sent. Raises ThrottledException above SMS_PER_HOUR."""
    key = f"phone-sms:{crypto.keyed_digest(number, purpose='texts')}"
    counted = rate_limits.sliding_window(key, limit=SMS_PER_HOUR, seconds=3600)
    if not counted.allowed:
        raise ThrottledException(counted.retry_after)


def pending(user: User) -> str:
    """Return the requested number that is not confirmed yet; '' if there is none."""
    requested = _live_code(user)
    return requested.phone if requested else ""


def verify(*, user: User, code: str, client: Client) -> User:
    """Confirm the number. An attempt is counted before the code is compared, and a correct code is consumed.

    Raises ValidationException for a code that is wrong, expired or used, or after too many attempts.
    """
    wrong = ValidationException.for_field("code", _("That code is wrong or has expired."), "invalid_code")
    requested = _live_code(user)
    if requested is None or not rate_limits.reserve_attempt(f"phone-code:{requested.digest}", LOCKOUT).allowed:
        raise wrong
    if not sms.matches(code, requested.digest, **_context(user, requested.phone)):
        raise wrong
    with transaction.atomic():
        if not PhoneCode.objects.consume(requested):
            raise wrong
        owner: User = actors.lock_actor(user)
        is_changed = owner.phone != requested.phone
        owner.phone, owner.phone_verified_at = requested.phone, timezone.now()
        owner.save(update_fields=["phone", "phone_verified_at"])
        audit.record(kind=EventKind.PHONE_CHANGED, user=owner, client=client)
        if is_changed:
            announce_change(owner, client)
    return owner


def remove(*, user: User, session_id: UUID, client: Client) -> None:
    """Remove the user's number and a requested one.

    Raises ReauthenticationRequiredException if MFA is on and was not passed recently.
    """
    reauthentication.require_if_mfa_enabled(user=user, session_id=session_id)
    with transaction.atomic():
        owner: User = actors.lock_actor(user)
        PhoneCode.objects.filter(user=user).delete()
        if not owner.phone:
            return
        owner.phone, owner.phone_verified_at = "", None
        owner.save(update_fields=["phone", "phone_verified_at"])
        audit.record(kind=EventKind.PHONE_CHANGED, user=owner, client=client)
        announce_change(owner, client)


def _live_code(user: User) -> PhoneCode | None:
    found: PhoneCode | None = PhoneCode.objects.filter(user=user).live(timezone.now()).first()
    return found


def announce_change(user: User, client: Client) -> None:
    """Announce to the owner and to other apps that the confirmed number has changed or was removed."""
    report_token = tokens.issue_report_token(user)
    signals.phone_changed.send(sender=User, user=user, report_token=report_token, client=client)


def _context(user: User, number: str) -> dict[str, str]:
    """Return the context that a code is valid in: this number of this user."""
    return {"context": f"{user.pk}:{number}", "purpose": "phone-code"}

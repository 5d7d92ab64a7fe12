"""The MFA methods of a user, and whether a session passed MFA."""

from functools import partial
from typing import Any
from uuid import UUID

from django.utils.functional import SimpleLazyObject
from django_otp import devices_for_user

from accounts.models import BackupCode, Passkey, Session, TOTPDevice, User
from accounts.services.mfa import sms, trusted_browsers
from accounts.services.sessions import browser
from accounts.states import Method
from rbac.services import decisions


def is_enabled(user: User) -> bool:
    """Return whether MFA is enabled: the user has a confirmed authenticator app or a passkey."""
    return bool(User.objects.filter(pk=user.pk).with_mfa().exists())


def methods_of(user: User) -> tuple[Method, ...]:
    """Return the MFA methods that `user` can use, in the order of `Method`; empty if MFA is disabled."""
    has_app = TOTPDevice.objects.of(user).confirmed().exists()
    has_passkey = Passkey.objects.of(user).exists()
    if not (has_app or has_passkey):
        return ()
    available = {
        Method.TOTP: has_app,
        Method.BACKUP_CODE: BackupCode.objects.of(user).unused().exists(),
        Method.SMS: sms.is_possible(user) and not decisions.forbids_sms_code(user),
        Method.PASSKEY: has_passkey,
    }
    return tuple(method for method in Method if available[method])


def add_verification(user: Any, session_id: UUID) -> None:
    """Set django-otp's `user.is_verified()` and `user.otp_device` for this session; both query only when used."""
    user.is_verified = partial(browser.has_passed_mfa, session_id)
    user.otp_device = SimpleLazyObject(lambda: next(devices_for_user(user), None) if user.is_verified() else None)


def backup_codes_left(user: User) -> int:
    """Return the number of unused backup codes."""
    return BackupCode.objects.of(user).unused().count()


def remove_all(user: User) -> None:
    """Remove every MFA method and trusted browser of `user`. Call it inside a transaction."""
    TOTPDevice.objects.of(user).delete()
    Passkey.objects.of(user).delete()
    BackupCode.objects.of(user).delete()
    trusted_browsers.forget_all(user)
    Session.objects.of(user).update(mfa_passed_at=None)  # a passed MFA does not count for methods added later


def limit_after_compromise(user: User) -> None:
    """Revoke what lets an intruder in without the password or MFA. Call it inside a transaction.

    Passkeys no longer replace the password, no browser is trusted, and the phone number has to be verified again. MFA
    stays enabled, so that somebody who can only read the mailbox cannot remove it.
    """
    Passkey.objects.of(user).update(passwordless=False)
    User.objects.filter(pk=user.pk).update(phone_verified_at=None)
    trusted_browsers.forget_all(user)


def replace_backup_codes(user: User, hashes: list[str]) -> None:
    """Replace all backup codes of the user. Call it inside a transaction.

    The user's row is locked, so that of two concurrent replacements only the later one's codes remain.
    """
    User.objects.select_for_update().get(pk=user.pk)
    BackupCode.objects.of(user).delete()
    BackupCode.objects.bulk_create([BackupCode(user=user, hash=hashed) for hashed in hashes])

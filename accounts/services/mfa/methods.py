"""Which second factors a user has."""

from accounts.models import BackupCode, Passkey, Session, TOTPDevice, User
from accounts.services.mfa import sms, trusted_browsers
from accounts.states import Method
from rbac.services import decisions


def is_enabled(user: User) -> bool:
    """Whether signing in as `user` takes a second factor."""
    return bool(User.objects.filter(pk=user.pk).with_mfa().exists())


def methods_of(user: User) -> tuple[Method, ...]:
    """What `user` can show as the second factor, in the order in which it is offered; empty where it is off."""
    has_app = TOTPDevice.objects.of(user).confirmed().exists()
    has_passkey = Passkey.objects.of(user).exists()
    if not (has_app or has_passkey):
        return ()
    available = {
        Method.TOTP: has_app,
        Method.BACKUP_CODE: BackupCode.objects.of(user).left().exists(),
        Method.SMS: sms.is_possible(user) and not decisions.forbids_sms_code(user),
        Method.PASSKEY: has_passkey,
    }
    return tuple(method for method in Method if available[method])


def backup_codes_left(user: User) -> int:
    """How many backup codes still serve."""
    return BackupCode.objects.of(user).left().count()


def remove_all(user: User) -> None:
    """Take every second factor from `user`, and with them what stands for one. Belongs into a transaction."""
    TOTPDevice.objects.of(user).delete()
    Passkey.objects.of(user).delete()
    BackupCode.objects.of(user).delete()
    trusted_browsers.forget_all(user)
    Session.objects.of(user).update(mfa_passed_at=None)  # what was shown does not count for the next one


def distrust(user: User) -> None:
    """Let nothing that a stranger may have set up open the account by itself: somebody else was there.

    Passkeys are no whole sign-in any more, browsers skip nothing, the phone is to be proven anew. The second factor
    stays on: who reads the mail alone takes it from nobody. Belongs into a transaction.
    """
    Passkey.objects.of(user).update(passwordless=False)
    User.objects.filter(pk=user.pk).update(phone_verified_at=None)
    trusted_browsers.forget_all(user)


def replace_backup_codes(user: User, hashes: list[str]) -> None:
    """Let these hashes be the user's only backup codes. Belongs into a transaction.

    The user's row is locked, so that of two who replace them at once the second one's are left, and not both.
    """
    User.objects.select_for_update().get(pk=user.pk)
    BackupCode.objects.of(user).delete()
    BackupCode.objects.bulk_create([BackupCode(user=user, hash=hashed) for hashed in hashes])

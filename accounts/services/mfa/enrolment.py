"""Enable and disable MFA, and generate backup codes. All of it requires a recent re-authentication."""

from dataclasses import dataclass, field
from time import time
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from accounts import signals
from accounts.exceptions import AuthenticatorExistsException, Invalid2FACodeException
from accounts.models import TOTPDevice, User, backup_codes
from accounts.services import audit
from accounts.services.mfa import codes, methods, reauthentication, totp
from accounts.services.one_time import tokens
from accounts.services.sessions import sessions
from accounts.states import AuthenticationMethod, EndReason, EventKind, Method
from foodfleet.core.http.clients import Client
from rbac.services import actors


@dataclass(frozen=True)
class TOTPSetup:
    """The secret for an authenticator app; shown during set-up and never again."""

    secret: str = field(repr=False)
    uri: str = field(repr=False)

    @property
    def secret_groups(self) -> list[str]:
        """The secret in groups of four characters."""
        return totp.in_groups(self.secret)

    @property
    def qr_png(self) -> str:
        """The QR code as a `data:` URI of a PNG."""
        return totp.qr_png(self.uri)

    @property
    def qr_svg(self) -> str:
        """The QR code as an `<svg>` element."""
        return totp.qr_svg(self.uri)


def start_totp(*, user: User, session_id: UUID) -> TOTPSetup:
    """Create a pending TOTP device in place of an earlier pending one; `confirm_totp` confirms it.

    Raises ReauthenticationRequiredException, or AuthenticatorExistsException if a device is confirmed already.
    """
    reauthentication.require(session_id)
    secret = totp.new_secret()
    with transaction.atomic():
        actors.lock_actor(user)  # of two concurrent calls, the later one's secret remains
        if TOTPDevice.objects.of(user).confirmed().exists():
            raise AuthenticatorExistsException
        TOTPDevice.objects.of(user).pending().delete()
        TOTPDevice.objects.create(user=user, secret=TOTPDevice.encrypt_secret(secret))
    return TOTPSetup(secret, totp.otpauth_uri(secret, user.email))


def pending_totp(*, user: User, session_id: UUID) -> TOTPSetup | None:
    """Return the pending set-up, to show it again after a wrong code; None if there is none.

    Raises ReauthenticationRequiredException.
    """
    reauthentication.require(session_id)
    device = TOTPDevice.objects.of(user).pending().first()
    if device is None:
        return None
    secret = TOTPDevice.decrypt_secret(device.secret)
    return TOTPSetup(secret, totp.otpauth_uri(secret, user.email))


def confirm_totp(*, user: User, session_id: UUID, code: str, client: Client, now: float | None = None) -> list[str]:
    """Enable MFA with a code of the pending device. Returns ten backup codes, which cannot be read again.

    Raises Invalid2FACodeException (also if no device is pending) or ThrottledException.
    """
    device = TOTPDevice.objects.of(user).pending().first()
    if device is None:
        raise Invalid2FACodeException
    steps: list[int] = []

    def check() -> bool:
        steps.extend(device.matching_steps(code, now=time() if now is None else now))
        return bool(steps)

    codes.check_counted(user, Method.TOTP, client, check)
    new = backup_codes.generate_codes()
    hashes = backup_codes.hash_codes(new)
    with transaction.atomic():
        actors.lock_actor(user)
        if not TOTPDevice.objects.confirm(device.pk, steps[-1], timezone.now()):
            raise Invalid2FACodeException
        methods.replace_backup_codes(user, hashes)
        record_enabled(user, Method.TOTP, client, session_id=session_id)
        reauthentication.record_enrolment(session_id, AuthenticationMethod.OTP)
    return new


def replace_backup_codes(*, user: User, session_id: UUID, client: Client) -> list[str]:
    """Return ten new backup codes and revoke the old ones. Raises ReauthenticationRequiredException."""
    reauthentication.require(session_id)
    return _replace_backup_codes(user, client)


def replace_backup_codes_by_code(*, user: User, code: str, client: Client) -> list[str]:
    """Replace the backup codes of a user who gives an MFA code instead of re-authenticating.

    Raises Invalid2FACodeException or ThrottledException.
    """
    codes.verify(user=user, code=code, client=client)
    return _replace_backup_codes(user, client)


def disable(*, user: User, session_id: UUID, client: Client) -> None:
    """Remove every MFA method and trusted browser of `user`. Raises ReauthenticationRequiredException."""
    reauthentication.require(session_id)
    with transaction.atomic():
        actors.lock_actor(user)
        if not methods.is_enabled(user):
            return
        methods.remove_all(user)
        record_disabled(user, client)


def record_disabled(user: User, client: Client) -> None:
    """Record and announce that MFA was disabled. Call it inside the transaction that does so."""
    audit.record(kind=EventKind.TWO_FACTOR_DISABLED, user=user, client=client)
    signals.two_factor_disabled.send(
        sender=User, user=user, client=client, report_token=tokens.issue_report_token(user)
    )


def record_enabled(user: User, method: Method, client: Client, *, session_id: UUID) -> None:
    """Record and announce that `method` enabled MFA, and end every session but `session_id`.

    The other sessions were started with the password alone, which no longer suffices. Call it inside the transaction
    that enables MFA, with the user's row locked.
    """
    sessions.end_all(user, reason=EndReason.TWO_FACTOR_ENABLED, keep=session_id)
    audit.record(kind=EventKind.TWO_FACTOR_ENABLED, user=user, client=client, details={"method": method.value})
    signals.two_factor_enabled.send(
        sender=User, user=user, method=method, client=client, report_token=tokens.issue_report_token(user)
    )


def _replace_backup_codes(user: User, client: Client) -> list[str]:
    if not methods.is_enabled(user):
        raise Invalid2FACodeException
    new = backup_codes.generate_codes()
    hashes = backup_codes.hash_codes(new)
    with transaction.atomic():
        actors.lock_actor(user)
        methods.replace_backup_codes(user, hashes)
        audit.record(kind=EventKind.BACKUP_CODES_MADE, user=user, client=client)
        signals.backup_codes_made.send(
            sender=User, user=user, client=client, report_token=tokens.issue_report_token(user)
        )
    return new

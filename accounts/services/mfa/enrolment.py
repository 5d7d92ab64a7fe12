"""Switching the second factor on and off, and new backup codes. All of it takes fresh proof, whichever door is used."""

from dataclasses import dataclass, field
from time import time
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts import signals
from accounts.exceptions import AuthenticatorExistsException, Invalid2FACodeException
from accounts.models import TOTPDevice, User
from accounts.services import audit
from accounts.services.mfa import backup_codes, codes, methods, reauthentication, totp
from accounts.services.one_time import tokens
from accounts.services.sessions import sessions
from accounts.states import EndReason, EventKind, Method
from foodfleet.core.http.clients import Client
from rbac.services import actors


@dataclass(frozen=True)
class TOTPSetup:
    """What an authenticator app is told; shown while it is set up and never after."""

    secret: str = field(repr=False)
    uri: str = field(repr=False)

    @property
    def secret_groups(self) -> list[str]:
        """The secret in words of four."""
        return totp.in_groups(self.secret)

    @property
    def qr_png(self) -> str:
        """A `data:` URI of a PNG."""
        return totp.qr_png(self.uri)

    @property
    def qr_svg(self) -> str:
        """An `<svg>` element."""
        return totp.qr_svg(self.uri)


def begin_totp(*, user: User, session_id: UUID) -> TOTPSetup:
    """Make a secret for an authenticator app, in place of one that waits; it counts once a code of it was proved.

    Raises ReauthenticationRequiredException, or AuthenticatorExistsException where an app counts already.
    """
    reauthentication.require(session_id)
    secret = totp.new_secret()
    with transaction.atomic():
        actors.lock_actor(user)  # of two at once, the second one's secret is left
        if TOTPDevice.objects.of(user).confirmed().exists():
            raise AuthenticatorExistsException
        TOTPDevice.objects.of(user).pending().delete()
        TOTPDevice.objects.create(user=user, secret=totp.sealed(secret))
    return TOTPSetup(secret, totp.otpauth_uri(secret, user.email))


def waiting_totp(*, user: User, session_id: UUID) -> TOTPSetup | None:
    """The set-up that waits for its first code, to show it again after a wrong one; None where none does.

    Raises ReauthenticationRequiredException.
    """
    reauthentication.require(session_id)
    device = TOTPDevice.objects.of(user).pending().first()
    if device is None:
        return None
    secret = totp.opened(device.secret)
    return TOTPSetup(secret, totp.otpauth_uri(secret, user.email))


def confirm_totp(*, user: User, session_id: UUID, code: str, client: Client, now: float | None = None) -> list[str]:
    """Switch the second factor on: the app's code is right. Returns ten backup codes, which nobody can read again.

    Raises Invalid2FACodeException (also where nothing waits for a code) or ThrottledException.
    """
    device = TOTPDevice.objects.of(user).pending().first()
    if device is None:
        raise Invalid2FACodeException
    steps: list[int] = []

    def is_right() -> bool:
        moment = time() if now is None else now
        steps.extend(totp.matching_steps(totp.opened(device.secret), code, now=moment, drift=settings.TOTP_DRIFT_STEPS))
        return bool(steps)

    codes.attempt(user, Method.TOTP, client, is_right)
    new = backup_codes.new_codes()
    hashes = backup_codes.hashes(new)
    with transaction.atomic():
        actors.lock_actor(user)
        if not TOTPDevice.objects.confirm(device.pk, steps[-1], timezone.now()):
            raise Invalid2FACodeException
        methods.replace_backup_codes(user, hashes)
        announce_on(user, Method.TOTP, client, session_id=session_id)
        reauthentication.note(session_id, with_second_factor=True)
    return new


def new_backup_codes(*, user: User, session_id: UUID, client: Client) -> list[str]:
    """Ten new backup codes; the old ones are void. Raises ReauthenticationRequiredException."""
    reauthentication.require(session_id)
    return _replace_backup_codes(user, client)


def exchange_backup_codes(*, user: User, code: str, client: Client) -> list[str]:
    """`new_backup_codes`, with a code as the proof. Raises Invalid2FACodeException or ThrottledException."""
    codes.use(user=user, code=code, client=client)
    return _replace_backup_codes(user, client)


def switch_off(*, user: User, session_id: UUID, client: Client) -> None:
    """Take every second factor from `user`, and the browsers that skip it. Raises ReauthenticationRequiredException."""
    reauthentication.require(session_id)
    with transaction.atomic():
        actors.lock_actor(user)
        if not methods.is_enabled(user):
            return
        methods.remove_all(user)
        announce_off(user, client)


def announce_off(user: User, client: Client) -> None:
    """The second factor was on, and is off. Belongs into the transaction."""
    audit.record(kind=EventKind.TWO_FACTOR_DISABLED, user=user, client=client)
    signals.two_factor_disabled.send(
        sender=User, user=user, client=client, report_token=tokens.issue_report_token(user)
    )


def announce_on(user: User, method: Method, client: Client, *, session_id: UUID) -> None:
    """`method` counts as the second factor from now on. Belongs into the transaction, with the user's row locked.

    Every session but `session_id` ends: it began by the password alone, which is no longer enough.
    """
    sessions.end_all(user, reason=EndReason.TWO_FACTOR_ENABLED, keep=session_id)
    audit.record(kind=EventKind.TWO_FACTOR_ENABLED, user=user, client=client, details={"method": method.value})
    signals.two_factor_enabled.send(
        sender=User, user=user, method=method, client=client, report_token=tokens.issue_report_token(user)
    )


def _replace_backup_codes(user: User, client: Client) -> list[str]:
    if not methods.is_enabled(user):
        raise Invalid2FACodeException
    new = backup_codes.new_codes()
    hashes = backup_codes.hashes(new)
    with transaction.atomic():
        actors.lock_actor(user)
        methods.replace_backup_codes(user, hashes)
        audit.record(kind=EventKind.BACKUP_CODES_MADE, user=user, client=client)
        signals.backup_codes_made.send(
            sender=User, user=user, client=client, report_token=tokens.issue_report_token(user)
        )
    return new

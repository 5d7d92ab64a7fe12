"""Verify an MFA code and consume it."""

from collections.abc import Callable
from time import time

from django.db import transaction
from django.utils import timezone

from accounts import signals
from accounts.exceptions import Invalid2FACodeException
from accounts.models import BackupCode, TOTPDevice, User, backup_codes
from accounts.services import audit
from accounts.services.limits import attempts
from accounts.services.one_time import tokens
from accounts.states import EventKind, Method
from foodfleet.core.http.clients import Client
from foodfleet.core.typed_text import normalize_code


def verify(*, user: User, code: str, client: Client, method: Method | None = None, now: float | None = None) -> Method:
    """Verify and consume a code of the authenticator app or a backup code; return which of the two it was.

    method: the method it must be; None recognises it by its form. now: Unix time. Of concurrent calls with the same
    code, one succeeds. Never call it inside a transaction. Raises Invalid2FACodeException or ThrottledException.
    """
    kind = method or (Method.TOTP if normalize_code(code).isdigit() else Method.BACKUP_CODE)
    checks: dict[Method, Callable[[], bool]] = {
        Method.TOTP: lambda: _consume_totp(user, code, time() if now is None else now),
        Method.BACKUP_CODE: lambda: _consume_backup_code(user, code, client),
    }
    if kind not in checks:
        raise Invalid2FACodeException
    check_counted(user, kind, client, checks[kind])
    return kind


def check_counted(user: User, method: Method, client: Client, check: Callable[[], bool]) -> None:
    """Count an attempt, then run `check`. Raises Invalid2FACodeException if it returns False, or ThrottledException."""
    attempt = attempts.reserve(user)
    if not check():
        attempts.failed(attempt, user, method, client)
        raise Invalid2FACodeException
    attempts.clear(user)


def _consume_totp(user: User, code: str, now: float) -> bool:
    device = TOTPDevice.objects.of(user).confirmed().first()
    return device is not None and device.consume(code, now=now)


def _consume_backup_code(user: User, code: str, client: Client) -> bool:
    known = BackupCode.objects.of(user).unused().first()
    hashed = backup_codes.hash_with_salt_of(known.hash, code) if known else None
    if hashed is None:
        return False
    with transaction.atomic():
        if not BackupCode.objects.consume(user, hashed, timezone.now()):
            return False
        remaining = BackupCode.objects.of(user).unused().count()
        audit.record(kind=EventKind.BACKUP_CODE_USED, user=user, client=client, details={"remaining": remaining})
        signals.backup_code_used.send(
            sender=User, user=user, remaining=remaining, client=client, report_token=tokens.issue_report_token(user)
        )
    return True

"""Users, sessions, tokens, keys and security events."""

from accounts.models.backup_codes import BackupCode
from accounts.models.challenges import Challenge
from accounts.models.deferred import DeferredJob
from accounts.models.keys import SigningKey
from accounts.models.known_devices import KnownDevice
from accounts.models.mfa import MFAReset, Passkey, TrustedBrowser
from accounts.models.one_time_tokens import OneTimeToken
from accounts.models.passwords import PasswordHistory
from accounts.models.phone_codes import PhoneCode
from accounts.models.programs import ApiKey, RevokedToken, ServiceAccount
from accounts.models.security import SecurityEvent
from accounts.models.sessions import RefreshToken, Session
from accounts.models.totp import TOTPDevice
from accounts.models.users import User, no_nul

__all__ = [
    "ApiKey",
    "BackupCode",
    "Challenge",
    "DeferredJob",
    "KnownDevice",
    "MFAReset",
    "OneTimeToken",
    "Passkey",
    "PasswordHistory",
    "PhoneCode",
    "RefreshToken",
    "RevokedToken",
    "SecurityEvent",
    "ServiceAccount",
    "Session",
    "SigningKey",
    "TOTPDevice",
    "TrustedBrowser",
    "User",
    "no_nul",
]

"""Users, their sign-ins, and the secrets that they hold as digests."""

from accounts.models.one_time_tokens import OneTimeToken
from accounts.models.security import SecurityEvent
from accounts.models.sessions import RefreshToken, Session
from accounts.models.users import E164, User, no_nul

__all__ = ["E164", "OneTimeToken", "RefreshToken", "SecurityEvent", "Session", "User", "no_nul"]

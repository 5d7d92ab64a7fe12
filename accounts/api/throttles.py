"""Rate limits (THROTTLE_*) for endpoints with which secrets can be guessed, or e-mails and SMS sent."""

from foodfleet.core.http.throttling import AddressThrottle


class LoginThrottle(AddressThrottle):
    """Limits the guessing of passwords."""

    scope = "login"


class RegisterThrottle(AddressThrottle):
    """Limits registrations."""

    scope = "register"


class ForgotThrottle(AddressThrottle):
    """Limits e-mails and SMS to addresses and numbers that anybody may enter."""

    scope = "forgot"


class MFAThrottle(AddressThrottle):
    """Limits the guessing of MFA codes."""

    scope = "2fa"

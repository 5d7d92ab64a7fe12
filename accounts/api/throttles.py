"""The narrow limits of calls that guess, or that cause mails and SMS: THROTTLE_* of the environment."""

from foodfleet.core.http.throttling import AddressThrottle


class LoginThrottle(AddressThrottle):
    """Guessing passwords."""

    scope = "login"


class RegisterThrottle(AddressThrottle):
    """Registration."""

    scope = "register"


class ForgotThrottle(AddressThrottle):
    """Calls that send a mail or an SMS to an address that anybody may enter."""

    scope = "forgot"


class MFAThrottle(AddressThrottle):
    """MFA codes."""

    scope = "2fa"

"""Exceptions of accounts."""

from datetime import UTC, datetime
from math import ceil
from typing import Self

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from foodfleet.core.exceptions import (
    BaseAppException,
    ConflictException,
    ForbiddenException,
    NotFoundException,
    UnauthorizedException,
    ValidationException,
)


class UserNotFoundException(NotFoundException):
    """No user has this id."""

    code = "user_not_found"
    message = _("There is no such user.")


class SessionNotFoundException(NotFoundException):
    """The user has no session of this id."""

    code = "session_not_found"
    message = _("There is no such session.")


class ServiceAccountNotFoundException(NotFoundException):
    """No service account has this id."""

    code = "service_account_not_found"
    message = _("There is no such service account.")


class ApiKeyNotFoundException(NotFoundException):
    """The account has no such API key, or it was revoked."""

    code = "api_key_not_found"
    message = _("There is no such API key, or it was revoked already.")


class InvalidCredentialsException(UnauthorizedException):
    """The e-mail address or the password is wrong."""

    code = "invalid_credentials"
    message = _("Wrong e-mail address or password.")


TEMPORARILY_LOCKED = _("Too many attempts: sign-in to this account is temporarily locked. We sent its owner an e-mail.")


class AccountLockedException(UnauthorizedException):
    """The account is locked: by wrong passwords until `locked_until`, or by staff, without an end."""

    code = "account_locked"
    message = _("This account is locked. Contact support to have it unlocked.")

    def __init__(self, locked_until: datetime | None = None) -> None:
        self.locked_until = locked_until and locked_until.astimezone(UTC)
        if self.locked_until is None:
            super().__init__()
        else:
            until = self.locked_until.isoformat().replace("+00:00", "Z")
            super().__init__(TEMPORARILY_LOCKED, details={"locked_until": until})

    @classmethod
    def example(cls) -> Self:
        return cls(datetime(2026, 1, 31, 12, 15, tzinfo=UTC))

    @property
    def headers(self) -> dict[str, str]:
        if self.locked_until is None:
            return super().headers
        seconds = ceil((self.locked_until - timezone.now()).total_seconds())
        return {**super().headers, "Retry-After": str(max(1, seconds))}


class Invalid2FACodeException(UnauthorizedException):
    """The MFA code is wrong, used or expired."""

    code = "invalid_2fa_code"
    message = _("That code is wrong or has expired.")


class InvalidTokenException(UnauthorizedException):
    """A link or its token is unknown, used, expired or made for something else."""

    code = "invalid_token"
    message = _("This link has expired or was already used.")


class InvalidSessionTokenException(InvalidTokenException):
    """An access or refresh token is unknown, expired, used or not ours, or its session has ended."""

    message = _("Your session has ended or the token is invalid. Sign in again.")


class InvalidApiKeyException(InvalidTokenException):
    """An API key is unknown, expired or revoked, or its account is closed."""

    message = _("This API key is unknown, has expired or was revoked.")


class InvalidClientException(UnauthorizedException):
    """The credentials of a program are wrong (RFC 6749 5.2).

    with_basic: the request used HTTP Basic authentication, so the response needs a `WWW-Authenticate` of that scheme.
    """

    BASIC = 'Basic realm="token", charset="UTF-8"'
    code = "invalid_client"
    message = _("The client id or the secret is wrong.")

    def __init__(self, *, with_basic: bool = False) -> None:
        super().__init__()
        self.with_basic = with_basic

    @property
    def headers(self) -> dict[str, str]:
        return {"WWW-Authenticate": self.BASIC} if self.with_basic else super().headers


class TokenRequestException(BaseAppException):
    """A request to the token endpoint is invalid. OAuth requires status 400 for it (RFC 6749 5.2)."""

    status_code = 400
    code = "invalid_request"
    message = _("A parameter is missing or has a wrong value.")


class UnsupportedGrantTypeException(TokenRequestException):
    """The grant type is not client_credentials."""

    code = "unsupported_grant_type"
    message = _("Only the grant type client_credentials is supported.")


class UnsupportedScopeException(TokenRequestException):
    """The request names scopes."""

    code = "invalid_scope"
    message = _("OAuth scopes are not supported. The token has the permissions of the API key.")


class AddressNotAllowedException(ForbiddenException):
    """An API key is used outside its allowed networks."""

    code = "address_not_allowed"
    message = _("This API key may not be used from your IP address.")


class PersonalKeysOffException(ForbiddenException):
    """PERSONAL_API_KEYS does not allow people to have API keys."""

    code = "personal_keys_off"
    message = _("People cannot have API keys here. Ask for a service account instead.")


class EmailNotVerifiedException(ForbiddenException):
    """The password is correct, but the e-mail address is not verified yet."""

    code = "email_not_verified"
    message = _("Please confirm your e-mail address first, with the link that we sent you.")


class RegistrationClosedException(ForbiddenException):
    """REGISTRATION allows nobody to register, or only people whom staff invited."""

    code = "registration_closed"
    message = _("You cannot create an account here yourself. Ask the people who run this site for an invitation.")


class PasswordChangeRequiredException(ForbiddenException):
    """The user has to choose a new password before anything else."""

    code = "password_change_required"
    message = _("Please choose a new password first.")


class TwoFactorRequiredException(ForbiddenException):
    """The user's role requires MFA, and none is set up."""

    code = "two_factor_required"
    message = _("Your role requires two-factor authentication. Please set it up first.")


class ReauthenticationRequiredException(ForbiddenException):
    """The last complete authentication in this session was more than ten minutes ago."""

    code = "fresh_proof_required"
    message = _("Please confirm it's you.")


class AuthenticatorExistsException(ConflictException):
    """An authenticator app is set up already; it has to be turned off before another is set up."""

    code = "conflict"
    message = _("An authenticator app is set up already. Turn it off first.")


class TooManyPasskeysException(ConflictException):
    """The account has the maximum number of passkeys."""

    code = "conflict"
    message = _("This account has the maximum number of passkeys. Remove one first.")


class TooManyKeysException(ConflictException):
    """The account has the maximum number of API keys."""

    message = _("This account has the maximum number of API keys. Revoke one first.")


class ServiceAccountException(ConflictException):
    """A service account has no password, address or MFA, and cannot use the admin."""

    message = _("This is a service account: it has no password, e-mail address or staff rights.")


class ResetNotPossibleException(ConflictException):
    """The user has no MFA to reset, or a reset is requested already."""

    code = "conflict"
    message = _("There is nothing to reset, or a reset is under way already.")


class WeakPasswordException(ValidationException):
    """The password breaks a rule of PASSWORD_POLICY."""

    code = "weak_password"
    message = _("This password is not strong enough.")


class PasswordReusedException(ValidationException):
    """The password was used before."""

    code = "password_reused"
    message = _("You had this password before. Please choose another.")


class UserAlreadyExistsException(ValidationException):
    """The address has an account."""

    code = "user_already_exists"
    message = _("There is an account with this e-mail address already.")


class OwnAccountException(ConflictException):
    """Staff cannot delete, lock, demote or deactivate their own account."""

    message = _("You cannot do this to your own account. Ask another administrator.")


class LastSuperuserException(ConflictException):
    """At least one active superuser has to remain."""

    message = _("This is the last superuser who can sign in. Make another user a superuser first.")


class InvalidAttributesException(ValidationException):
    """A custom attribute does not exist, has a wrong value, or may not be changed by the caller."""

    @classmethod
    def of(cls, name: str, message: str, code: str) -> Self:
        """Return the exception for the attribute `name`, or for all attributes together if it is ''."""
        return cls(details={f"attributes.{name}" if name else "attributes": [{"message": message, "code": code}]})

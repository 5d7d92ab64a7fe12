"""The errors that services raise, each with an HTTP status, a stable code and a message.

Apps define subclasses in their `exceptions.py`. `foodfleet.core.http.errors` turns each into the error envelope of the
API or into a page.
"""

from collections.abc import Mapping
from typing import Any, Self

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class BaseAppException(Exception):
    """An error with a message, a code and details for the caller."""

    status_code = 500
    code = "internal_error"
    message: str | Promise = _("Something went wrong on our side.")

    def __init__(self, message: str | Promise | None = None, *, details: Mapping[str, Any] | None = None) -> None:
        self.message = message or self.message
        self.details: dict[str, Any] = dict(details or {})
        super().__init__(str(self.message))

    @classmethod
    def example(cls) -> Self:
        """Create a typical error of this class for the OpenAPI document."""
        return cls()

    @property
    def headers(self) -> dict[str, str]:
        """HTTP headers of the response."""
        return {}


class DatabaseException(BaseAppException):
    """The database refused or failed a statement."""

    code = "database_error"
    message = _("The database could not complete the request.")


class ServiceUnavailableException(BaseAppException):
    """The database, the cache or the broker cannot be reached."""

    status_code = 503
    code = "service_unavailable"
    message = _("The service is not available at the moment. Please try again shortly.")
    retry_after = 5  # seconds

    @property
    def headers(self) -> dict[str, str]:
        return {"Retry-After": str(self.retry_after)}


class MalformedRequestException(BaseAppException):
    """The request cannot be read: its body is not JSON, or its cursor is invalid."""

    status_code = 400
    code = "malformed_request"
    message = _("The request could not be read.")


class RequestTimeoutException(BaseAppException):
    """The body did not arrive in time."""

    status_code = 408
    code = "request_timeout"
    message = _("The request took too long to arrive. Please try again.")


class CookiesTooLargeException(BaseAppException):
    """The Cookie header is too long."""

    status_code = 431
    code = "cookies_too_large"
    message = _("The cookies of this site are too large. Please delete them and try again.")


class LengthRequiredException(BaseAppException):
    """The body is chunked, which this server does not read."""

    status_code = 411
    code = "length_required"
    message = _("Please send the body with its Content-Length.")


class UnauthorizedException(BaseAppException):
    """The request has no valid credentials."""

    status_code = 401
    code = "not_authenticated"
    message = _("Please sign in first.")

    @property
    def headers(self) -> dict[str, str]:
        return {"WWW-Authenticate": "Bearer"}


class ForbiddenException(BaseAppException):
    """The user lacks permission."""

    status_code = 403
    code = "insufficient_permissions"
    message = _("You are not allowed to do this.")


class InsufficientPermissionsException(ForbiddenException):
    """A permission is missing; `details["missing"]` lists the `resource:action` codenames."""

    @classmethod
    def missing(cls, *codenames: str) -> Self:
        """Create the error for these missing permissions."""
        return cls(details={"missing": list(codenames)})

    @classmethod
    def example(cls) -> Self:
        return cls.missing("users:read")


class NotFoundException(BaseAppException):
    """The requested resource does not exist."""

    status_code = 404
    code = "not_found"
    message = _("Not found.")


class ConflictException(BaseAppException):
    """The request conflicts with the current state."""

    status_code = 409
    code = "conflict"
    message = _("This conflicts with the current state.")


class PayloadTooLargeException(BaseAppException):
    """The body is larger than this call accepts."""

    status_code = 413
    code = "payload_too_large"
    message = _("The request is too large.")


class ValidationException(BaseAppException):
    """Some fields are invalid; `details` maps each to a list of {"message", "code"}."""

    status_code = 422
    code = "validation_error"
    message = _("Please check the marked fields.")

    @classmethod
    def for_field(cls, field: str, message: str | Promise, code: str | None = None) -> "ValidationException":
        """Create the error of one field, by default with this error's code."""
        return cls(details={field: [{"message": str(message), "code": code or cls.code}]})

    @classmethod
    def example(cls) -> Self:
        return cls(details={"email": [{"message": "This field is required.", "code": "required"}]})


class ThrottledException(BaseAppException):
    """Too many requests; the client may retry after `retry_after` seconds."""

    status_code = 429
    code = "throttled"
    message = _("Too many attempts. Please wait a little.")

    def __init__(self, retry_after: float) -> None:
        super().__init__()
        self.retry_after = max(1, int(retry_after + 0.999))

    @classmethod
    def example(cls) -> Self:
        return cls(30)

    @property
    def headers(self) -> dict[str, str]:
        return {"Retry-After": str(self.retry_after)}

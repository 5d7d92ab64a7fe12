"""Convert any exception into the error envelope under /api/ and into a page elsewhere."""

import json
import sys
from typing import Any

import structlog
from django.core.exceptions import (
    BadRequest,
    DisallowedHost,
    PermissionDenied,
    RequestDataTooBig,
    SuspiciousOperation,
)
from django.core.exceptions import ValidationError as DjangoValidationError
from django.db import DatabaseError, DataError, IntegrityError, InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.http.multipartparser import MultiPartParserError
from django.template import loader
from django.utils.encoding import force_str
from django.utils.translation import gettext_lazy as _
from rest_framework import exceptions as drf
from rest_framework.renderers import JSONRenderer
from rest_framework.response import Response
from rest_framework.views import set_rollback

from foodfleet.core import branding
from foodfleet.core.exceptions import (
    BaseAppException,
    ConflictException,
    DatabaseException,
    ForbiddenException,
    MalformedRequestException,
    NotFoundException,
    PayloadTooLargeException,
    ServiceUnavailableException,
    ThrottledException,
    UnauthorizedException,
    ValidationException,
)
from foodfleet.core.http.request_ids import request_id_of

logger = structlog.get_logger(__name__)

INTERNAL_ERROR = (BaseAppException.code, BaseAppException.message)
# The code and message for an error that has a status and no exception of ours.
CODES_BY_STATUS = {
    error.status_code: (error.code, error.message)
    for error in (
        MalformedRequestException,
        UnauthorizedException,
        ForbiddenException,
        NotFoundException,
        ConflictException,
        PayloadTooLargeException,
        ValidationException,
        ServiceUnavailableException,
        ThrottledException,
    )
} | {
    405: ("method_not_allowed", _("This address does not take that method.")),
    406: ("not_acceptable", _("This address answers in JSON only.")),
    415: ("unsupported_media_type", _("Please send JSON, with the content type application/json.")),
}
MALFORMED = (SuspiciousOperation, BadRequest, MultiPartParserError)
NUMERIC_VALUE_OUT_OF_RANGE = "22003"  # SQLSTATE
UNREACHABLE = (OperationalError, InterfaceError, ConnectionError)


class _HttpError(BaseAppException):
    """An error of the REST framework without a class of our own, such as 405."""

    def __init__(self, status_code: int, headers: dict[str, str]) -> None:
        self.status_code = status_code
        self.code, message = CODES_BY_STATUS.get(status_code, INTERNAL_ERROR)
        self._headers = headers
        super().__init__(message)

    @property
    def headers(self) -> dict[str, str]:
        return self._headers


def field_errors(detail: Any) -> dict[str, Any]:
    """Return DRF's error details as {field: [{"message", "code"}]}, with errors of no field as `non_field_errors`.

    Nested fields are flattened to dotted names: `attachments.0.content`.
    """
    found: dict[str, list[dict[str, str]]] = {}

    def walk(node: Any, path: str) -> None:
        if isinstance(node, dict):
            for key, value in node.items():
                walk(value, f"{path}.{key}" if path else str(key))
        elif isinstance(node, (list, tuple)) and any(isinstance(item, (dict, list)) for item in node):
            for index, item in enumerate(node):
                walk(item, f"{path}.{index}" if path else str(index))
        elif isinstance(node, (list, tuple)):
            for item in node:
                walk(item, path)
        else:
            entry = {"message": force_str(node), "code": getattr(node, "code", None) or "invalid"}
            found.setdefault(path or "non_field_errors", []).append(entry)

    walk(detail, "")
    return found


def to_app_exception(exc: BaseException) -> BaseAppException:  # noqa: PLR0911, PLR0912, C901  one table
    """Return the application exception for `exc`; an unknown one becomes a 500 without details."""
    match exc:
        case BaseAppException():
            return exc
        case drf.ValidationError():
            return ValidationException(details=field_errors(exc.detail))
        case drf.NotAuthenticated():
            return UnauthorizedException()
        case drf.AuthenticationFailed():
            return UnauthorizedException(force_str(exc.detail))
        case drf.Throttled():
            return ThrottledException(getattr(exc, "wait", None) or 1)
        case drf.PermissionDenied() if force_str(exc.detail) != force_str(exc.default_detail):
            return ForbiddenException(force_str(exc.detail))
        case drf.PermissionDenied() | PermissionDenied():
            return ForbiddenException()
        case drf.APIException():
            return _from_drf(exc)
        case Http404():
            return NotFoundException()
        case DjangoValidationError():
            return ValidationException(details=_django_field_errors(exc))
        case RequestDataTooBig():
            return PayloadTooLargeException()
        case DisallowedHost():
            return MalformedRequestException(_("This host name is not served here."))
        case _ if isinstance(exc, MALFORMED) or _is_number_out_of_range(exc):
            return MalformedRequestException()
        case IntegrityError():
            return ConflictException()
        case _ if isinstance(exc, UNREACHABLE):
            return ServiceUnavailableException()
        case DatabaseError():
            return DatabaseException()
        case _:
            return BaseAppException()


def _is_number_out_of_range(exc: BaseException) -> bool:
    """Return whether a number was too large for its database column."""
    state = getattr(exc.__cause__, "sqlstate", None)  # of psycopg
    return isinstance(exc, OverflowError) or (isinstance(exc, DataError) and state == NUMERIC_VALUE_OUT_OF_RANGE)


def _from_drf(exc: drf.APIException) -> BaseAppException:
    if exc.status_code == 404:
        return NotFoundException()
    headers = {"WWW-Authenticate": auth_header} if (auth_header := getattr(exc, "auth_header", None)) else {}
    return _HttpError(exc.status_code, headers)


def _django_field_errors(exc: DjangoValidationError) -> dict[str, Any]:
    by_field = exc.error_dict if hasattr(exc, "error_dict") else {"non_field_errors": exc.error_list}
    return {
        ("non_field_errors" if field == "__all__" else field): [
            {"message": message, "code": error.code or "invalid"} for error in errors for message in error.messages
        ]
        for field, errors in by_field.items()
    }


def envelope(error: BaseAppException, request_id: str) -> dict[str, Any]:
    """Return the body of an error response of the API."""
    return {"error": str(error.message), "code": error.code, "details": error.details, "request_id": request_id}


def api_exception_handler(exc: Exception, context: dict[str, Any]) -> Response:
    """Return the response, always JSON, to any exception of an API view: the REST framework's EXCEPTION_HANDLER."""
    set_rollback()
    error = to_app_exception(exc)
    log_if_ours(error, exc)
    request = context["request"]
    request.accepted_renderer, request.accepted_media_type = JSONRenderer(), JSONRenderer.media_type
    return Response(envelope(error, request_id_of(request)), status=error.status_code, headers=error.headers)


def log_if_ours(error: BaseAppException, exc: BaseException) -> None:
    """Log a 5xx with its traceback; the response contains only the request id."""
    if error.status_code >= 500:
        logger.error("unhandled_exception", error_code=error.code, exc_info=exc)


def is_api(request: HttpRequest) -> bool:
    """Return whether the request is for the API."""
    return request.path_info.startswith("/api/")


def error_response(request: HttpRequest, error: BaseAppException) -> HttpResponse:
    """Return the response to `error` outside the REST framework: the envelope under /api/, else a page."""
    if is_api(request):
        body = envelope(error, request_id_of(request))
        return JsonResponse(body, status=error.status_code, headers=error.headers)
    template = f"errors/{error.status_code}.html"
    context = {"request_id": request_id_of(request), "message": str(error.message)}
    # 5xx pages are rendered without request and context processors, which may be the cause.
    page_request = request if error.status_code < 500 else None
    names = [template, "errors/500.html" if error.status_code >= 500 else "errors/400.html"]
    content = loader.select_template(names).render({**branding.context(), **context}, page_request)
    return HttpResponse(content, status=error.status_code, headers=error.headers)


def envelope_for_foreign_response(request: HttpRequest, response: HttpResponseBase) -> HttpResponse:
    """Replace an error response under /api/ that has another form, such as Django's HTML or debug page."""
    code, message = CODES_BY_STATUS.get(response.status_code, INTERNAL_ERROR)
    body = {"error": str(message), "code": code, "details": {}, "request_id": request_id_of(request)}
    headers = {name: value for name, value in response.items() if name in {"Allow", "Retry-After", "WWW-Authenticate"}}
    return HttpResponse(json.dumps(body), status=response.status_code, content_type="application/json", headers=headers)


# Handlers that Django calls; foodfleet.urls and the settings name them.
def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Return the page for 400."""
    return error_response(request, to_app_exception(exception))


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Return the page for 403."""
    return error_response(request, to_app_exception(exception))


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Return the page for 404."""
    return error_response(request, NotFoundException())


def server_error(request: HttpRequest) -> HttpResponse:
    """Return the page for an unhandled exception, also of a middleware, such as an unreachable database."""
    exc = sys.exc_info()[1]
    return error_response(request, to_app_exception(exc) if exc else BaseAppException())


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Return the page for a failed CSRF check, which says what to do."""
    if is_api(request):
        return error_response(request, ForbiddenException(_("The CSRF token is missing or wrong.")))
    content = loader.render_to_string("errors/403_csrf.html", {"request_id": request_id_of(request)}, request)
    return HttpResponse(content, status=403)
